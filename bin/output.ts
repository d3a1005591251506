// Owns stdout: results only. Messages and progress go to stderr, elsewhere. Must not decide what is printed.
import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { systemCode } from '../lib/errors.js';

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON value on one line. */
export function printJson(value: object): void {
  printLine(JSON.stringify(value));
}

/** Colours for a terminal, nothing for files and pipes; NO_COLOR is respected. */
export function colorsOf(stream: Writable & { isTTY?: boolean }): ReturnType<typeof pc.createColors> {
  return pc.createColors(Boolean(stream.isTTY) && pc.isColorSupported);
}

/** Ends the process quietly when the reader of stdout has gone, as `| head` does. */
export function watchStandardStreams(): void {
  process.stdout.on('error', (error) => {
    if (systemCode(error) === 'EPIPE') process.exit(0);
    throw error;
  });
  // Without a reader of messages the work goes on.
  process.stderr.on('error', () => {});
}
