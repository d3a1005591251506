// Owns stdout: results only. Messages and progress go to stderr, elsewhere. Must not decide what is printed.
import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { escapeJson } from '../lib/printable.js';

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One JSON value on one line. */
export function printJson(value: object): void {
  printLine(escapeJson(JSON.stringify(value)));
}

export const NO_COLORS = pc.createColors(false);

/** Colours for a terminal, nothing for files and pipes, and none with NO_COLOR or in CI. */
export function colorsOf(stream: Writable & { isTTY?: boolean }): ReturnType<typeof pc.createColors> {
  const { NO_COLOR, CI, TERM } = process.env;
  return pc.createColors(Boolean(stream.isTTY) && !NO_COLOR && !CI && TERM !== 'dumb');
}
