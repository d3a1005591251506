#!/usr/bin/env node
// Owns the process: arguments in, exit code out, and the one place that reports what failed.
// Must not know any command, nor load what `--help` does not need.
import { exitCodeOf, reportFailure } from './failure.js';
import { ignoreFileSizeSignal } from './interruption.js';
import { watchStandardStreams } from './output.js';
import { createParser } from './parser.js';

const words = process.argv.slice(2);
watchStandardStreams();
ignoreFileSizeSignal();
try {
  await createParser(words).parseAsync();
} catch (error) {
  reportFailure(error, words.includes('--json') || words.includes('--json=true'));
  process.exitCode = exitCodeOf(error);
}
