// Owns the way from arguments to a command, and the one place that reports what failed. Must not know any command.
import { exitCodeOf, reportFailure } from './failure.js';
import { ignoreFileSizeSignal } from './interruption.js';
import { watchStandardStreams } from './output.js';

/** Runs what the words ask for; sets the exit code of the process. */
export async function main(words: string[]): Promise<void> {
  watchStandardStreams();
  ignoreFileSizeSignal();
  const isJson = words.includes('--json') || words.includes('--json=true');
  try {
    if (words.includes('--version')) return await printVersions(isJson);
    const { createParser } = await import('./parser.js');
    await createParser(words).parseAsync();
  } catch (error) {
    reportFailure(error, isJson);
    process.exitCode = exitCodeOf(error);
  }
}

async function printVersions(isJson: boolean): Promise<void> {
  const version = await import('./version.js');
  await version.printVersions(isJson);
}
