// Owns the one error type that leaves this package, and its stable codes.
// Every error says what happened, what was expected, what was found and the next step, in text that a terminal can take:
// names and values in it may come from a file that nobody vouches for.
import { escapeControls, shorten } from './printable.js';

/** Stable codes: scripts may switch on them; a code is never reused for another meaning. */
export type ErrorCode =
  | 'ABORTED'
  | 'ADDON_NOT_BUILT'
  | 'ADDON_LOAD_FAILED'
  | 'CHECKPOINT_INVALID'
  | 'CHECKPOINT_MISMATCH'
  | 'CHECKPOINT_NOT_FOUND'
  | 'CONFIG_FILE_INVALID'
  | 'CONFIG_FILE_NOT_FOUND'
  | 'CONFIG_INTERPOLATION'
  | 'CONFIG_INVALID_OVERRIDE'
  | 'CONFIG_INVALID_VALUE'
  | 'CONFIG_UNKNOWN_KEY'
  | 'CONFIG_UNKNOWN_OPTION'
  | 'CONFIG_VALUE_MISSING'
  | 'DATASET_CORRUPT'
  | 'DATASET_DOWNLOAD_FAILED'
  | 'DATASET_NOT_FOUND'
  | 'DATASET_TOO_SMALL'
  | 'DEVICE_UNAVAILABLE'
  | 'DISK_FULL'
  | 'DOWNLOAD_FAILED'
  | 'IMAGE_INVALID'
  | 'IMAGE_NOT_FOUND'
  | 'INTERNAL'
  | 'INVALID_ARGUMENT'
  | 'LIBTORCH_ARCHIVE_INVALID'
  | 'LIBTORCH_DOWNLOAD_FAILED'
  | 'LIBTORCH_LOAD_FAILED'
  | 'LIBTORCH_NOT_FOUND'
  | 'LIBTORCH_VERSION'
  | 'LOCKED'
  | 'NATIVE_FAILURE'
  | 'NO_IMAGES_FOUND'
  | 'NOT_WRITABLE'
  | 'OUT_OF_MEMORY'
  | 'PLATFORM_UNSUPPORTED'
  | 'PYTHON_NOT_FOUND'
  | 'RUN_CHANGED'
  | 'RUN_INVALID'
  | 'RUN_NOT_FOUND'
  | 'RUN_NOT_RESUMABLE'
  | 'SOME_IMAGES_FAILED'
  | 'SWEEP_JOBS_FAILED'
  | 'TRAINING_DIVERGED'
  | 'USAGE';

/** The parts of an error message; only `what` is always known. */
export interface ErrorDetails {
  /** What happened, as the start of a sentence: `checkpoint "x" cannot be read`. */
  what: string;
  expected?: string | undefined;
  found?: string | undefined;
  /** One action that mends it, as a command or an instruction. */
  nextStep?: string | undefined;
  cause?: unknown;
}

/** The only error class that functions of this package throw or reject with. */
export class Cifar10Error extends Error {
  override name = 'Cifar10Error';
  readonly code: ErrorCode;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly nextStep: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails) {
    const parts = printable(details);
    super(formatMessage(parts), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.expected = parts.expected;
    this.found = parts.found;
    this.nextStep = parts.nextStep;
  }
}

/** Has room for the longest path that a system takes, of 4096 bytes. */
const MAX_SENTENCE = 5000;
const MAX_VALUE = 1000;

function printable({ what, expected, found, nextStep }: ErrorDetails): ErrorDetails {
  const part = (text: string | undefined, length: number) =>
    text === undefined ? undefined : shorten(escapeControls(text), length);
  return {
    what: shorten(escapeControls(what), MAX_SENTENCE),
    expected: part(expected, MAX_VALUE),
    found: part(found, MAX_VALUE),
    nextStep: part(nextStep, MAX_SENTENCE),
  };
}

/** Rejection of work that an `AbortSignal` stopped; `cause` is the signal's reason. */
export class AbortError extends Cifar10Error {
  override name = 'AbortError';

  constructor(what: string, reason?: unknown, nextStep?: string) {
    super('ABORTED', { what, nextStep, cause: reason });
  }
}

function formatMessage({ what, expected, found, nextStep }: ErrorDetails): string {
  const comparison = [
    expected === undefined ? undefined : `expected ${expected}`,
    found === undefined ? undefined : `found ${found}`,
  ].filter((part) => part !== undefined);
  const sentence = comparison.length > 0 ? `${what}: ${comparison.join(', ')}` : what;
  return nextStep === undefined ? sentence : `${sentence}. Next step: ${nextStep}`;
}

/** The text of any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system error code (`ENOENT`…) of a thrown value, if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
/** What a file system answers; network errors and those of starting a process have other codes or other calls. */
const REFUSED = new Set(
  'EACCES EPERM EROFS ENOTDIR EEXIST EISDIR ENOENT ENAMETOOLONG ELOOP EIO EMFILE ENFILE EBUSY ETXTBSY ENXIO'.split(
    ' ',
  ),
);

/** Turns a failure of the file system to write `path` into a coded error; other errors are returned as they are. */
export function writeError(path: string, error: unknown): unknown {
  const code = systemCode(error);
  const isSpawn = String((error as { syscall?: unknown } | null)?.syscall).startsWith('spawn');
  if (error instanceof Cifar10Error || code === undefined || isSpawn) return error;
  if (FULL.has(code))
    return new Cifar10Error('DISK_FULL', {
      what: `"${path}" cannot be written`,
      expected: 'free space on the disk and within the quota',
      found: code,
      nextStep: 'free some space or choose a folder on another disk',
      cause: error,
    });
  if (!REFUSED.has(code)) return error;
  return new Cifar10Error('NOT_WRITABLE', {
    what: `"${path}" cannot be written`,
    expected: 'a place that this user may write to',
    found: code,
    nextStep: 'choose another folder or change its permissions',
    cause: error,
  });
}
