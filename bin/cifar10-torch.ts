#!/usr/bin/env node
// Owns the process's beginning: a help text at once, everything else by way of main.ts.
// Must not load what `--help` does not need.
import { preparedHelp } from './prepared-help.js';

const words = process.argv.slice(2);
const help = preparedHelp(words);
if (help === undefined) await (await import('./main.js')).main(words);
else process.stdout.on('error', () => {}).write(help); // a reader that has gone, as `| head` does, is no failure
