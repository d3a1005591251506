// Owns how a failure looks from outside: one line, one JSON object, one exit code. Must not mend anything.
import { AbortError, Cifar10Error, errorMessage } from '../lib/errors.js';
import type { SweepError, TrainingStopped } from '../lib/index.js';
import { escapeControls } from '../lib/printable.js';
import { Interruption } from './interruption.js';
import { colorsOf, NO_COLORS, printJson } from './output.js';
import { describeStop } from './reports.js';

const FAILURE = 1;
const WRONG_USAGE = 2;

/** The exit code for the process that ends with this error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Cifar10Error)) return FAILURE;
  if (error.cause instanceof Interruption) return error.cause.exitCode;
  return /^(USAGE|INVALID_ARGUMENT|CONFIG_.*)$/.test(error.code) ? WRONG_USAGE : FAILURE;
}

/** One line on stderr, the stack only with the environment variable DEBUG; with `isJson` an object on stdout as well. */
export function reportFailure(error: unknown, isJson: boolean): void {
  const { code, message } = toCoded(error);
  const colors = isJson ? NO_COLORS : colorsOf(process.stderr);
  process.stderr.write(`${isStop(error) ? describeStop(error) : describeFailure(code, message, colors)}\n`);
  if (process.env.DEBUG && error instanceof Error)
    process.stderr.write(`${escapeControls(String(error.stack))}\n`);
  // The records on stdout have told it already, file by file.
  if (isJson && code !== 'SOME_IMAGES_FAILED') printJson({ error: { code, message }, ...detailsOf(error) });
}

/** What a script needs beside the error: where a stopped training is, what became of the jobs of a sweep. */
function detailsOf(error: unknown): object {
  if (isStop(error)) {
    const { runDir, checkpoint, step, steps } = error;
    return { runDir, checkpoint, step, steps };
  }
  const isOfSweep = error instanceof Cifar10Error && error.name === 'SweepError';
  return isOfSweep ? (error as SweepError).result : {};
}

/** Its class is not loaded here: most commands need nothing of it. */
function isStop(error: unknown): error is TrainingStopped {
  return error instanceof AbortError && error.name === 'TrainingStopped';
}

function describeFailure(code: string, message: string, { red, yellow }: typeof NO_COLORS): string {
  const mark = code === 'ABORTED' ? yellow('stopped') : red('error');
  // Paths below the working folder as a person would type them.
  return `${mark} ${code}: ${message.replaceAll(`${process.cwd()}/`, '')}`;
}

/** An error without a code is a mistake of ours. */
function toCoded(error: unknown): Cifar10Error {
  if (error instanceof Cifar10Error) return error;
  return new Cifar10Error('INTERNAL', {
    what: errorMessage(error),
    nextStep: 'run it again with DEBUG=1 and report what it prints',
    cause: error,
  });
}
