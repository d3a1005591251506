// Owns the way from arguments to a command, and the one place that reports what failed. Must not know any command.
import { systemCode, writeError } from '../lib/errors.js';
import { exitCodeOf, reportFailure } from './failure.js';
import { ignoreFileSizeSignal } from './interruption.js';
import { COMPLETION_REQUEST } from './prepared-help.js';

/** Runs what the words ask for; sets the exit code of the process. */
export async function main(words: string[]): Promise<void> {
  watchStandardStreams();
  ignoreFileSizeSignal();
  const isCompletion = words.includes(COMPLETION_REQUEST);
  try {
    if (words.includes('--version') && !isCompletion) return await printVersions(words);
    const { createParser } = await import('./parser.js');
    await createParser(words).parseAsync();
  } catch (error) {
    if (isCompletion) return; // a shell that asks what may come next shows no errors
    reportFailure(error, isOn(words, '--json'));
    process.exitCode = exitCodeOf(error);
  }
}

async function printVersions(words: readonly string[]): Promise<void> {
  const libtorch = words[words.indexOf('--libtorch') + 1];
  if (words.includes('--libtorch') && libtorch !== undefined) process.env.LIBTORCH = libtorch;
  const version = await import('./version.js');
  await version.printVersions(isOn(words, '--json'));
}

/** Whether a boolean option is given, for what must be known before or without the parser. */
function isOn(words: readonly string[], option: string): boolean {
  const index = words.indexOf(option);
  return words.includes(`${option}=true`) || (index >= 0 && words[index + 1] !== 'false');
}

/** Ends the process quietly when the reader of stdout has gone, as `| head` does, and with an error when it is full. */
function watchStandardStreams(): void {
  process.stdout.on('error', (error) => {
    if (systemCode(error) === 'EPIPE') process.exit();
    reportFailure(writeError('standard output', error), false);
    process.exit(1);
  });
  // Without a reader of messages the work goes on.
  process.stderr.on('error', () => {});
}
