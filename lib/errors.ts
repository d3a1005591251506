// Owns the one error type that leaves this package, and its stable codes.
// Every error says what happened, what was expected, what was found and the next step, in text that a terminal can take:
// names and values in it may come from a file that nobody vouches for.
import { escapeControls, shorten } from './printable.js';

/**
 * What went wrong, in one word: programs may switch on it, and a code is never reused for another meaning. The text
 * of an error is for people and may change.
 *
 * @category Errors
 */
export type ErrorCode =
  /** An `AbortSignal` stopped the work. */
  | 'ABORTED'
  /** There is no native addon for this machine: `npx cifar10-torch build` compiles it. */
  | 'ADDON_NOT_BUILT'
  /** The native addon is there and cannot be loaded. */
  | 'ADDON_LOAD_FAILED'
  /** The file is damaged, is no checkpoint of this package, or was written by a version that knows other keys. */
  | 'CHECKPOINT_INVALID'
  /** The file is whole, but its tensors are not those of the model or of the training that it is to go into. */
  | 'CHECKPOINT_MISMATCH'
  /** There is no such file. */
  | 'CHECKPOINT_NOT_FOUND'
  /** A `Classifier` or a server was used after its `close()`. */
  | 'CLASSIFIER_CLOSED'
  /** A configuration file cannot be read, is not YAML, or has a defaults list that cannot be followed. */
  | 'CONFIG_FILE_INVALID'
  /** A configuration file is not there, or a folder of config groups cannot be read. */
  | 'CONFIG_FILE_NOT_FOUND'
  /** A reference `${…}` leads nowhere, in a circle, or to a variable of the environment that is not set. */
  | 'CONFIG_INTERPOLATION'
  /** An override cannot be read, or changes what is not there. */
  | 'CONFIG_INVALID_OVERRIDE'
  /** A value is out of its range, or contradicts another one. */
  | 'CONFIG_INVALID_VALUE'
  /** There is no such key in the configuration. */
  | 'CONFIG_UNKNOWN_KEY'
  /** There is no such option of a config group. */
  | 'CONFIG_UNKNOWN_OPTION'
  /** A value is still `???`, which somebody must give. */
  | 'CONFIG_VALUE_MISSING'
  /** A file of the dataset has another size or checksum than the published one. */
  | 'DATASET_CORRUPT'
  /** No source of the dataset could give it; the message has the reason of each. */
  | 'DATASET_DOWNLOAD_FAILED'
  /** The dataset is not in its folder: `downloadDataset` fetches it. */
  | 'DATASET_NOT_FOUND'
  /** There are fewer images than the settings need: no whole batch, or nothing to hold out. */
  | 'DATASET_TOO_SMALL'
  /** CUDA was asked for, and LibTorch has none or finds no GPU. */
  | 'DEVICE_UNAVAILABLE'
  /** A file cannot be written for want of space or quota. */
  | 'DISK_FULL'
  /** A file could not be fetched; what leaves this package is the code of the dataset or of LibTorch instead. */
  | 'DOWNLOAD_FAILED'
  /** An image cannot be decoded, or exceeds the bounds of `ImageInput`. */
  | 'IMAGE_INVALID'
  /** There is no such image file or image folder. */
  | 'IMAGE_NOT_FOUND'
  /** A mistake of this package: please report it. */
  | 'INTERNAL'
  /** An option of a call is of another kind or out of its range. */
  | 'INVALID_ARGUMENT'
  /** The archive is damaged or is no LibTorch. */
  | 'LIBTORCH_ARCHIVE_INVALID'
  /** LibTorch can be had neither from its site nor with pip. */
  | 'LIBTORCH_DOWNLOAD_FAILED'
  /** The libraries of LibTorch are there and cannot be opened. */
  | 'LIBTORCH_LOAD_FAILED'
  /** No LibTorch is on this machine that the addon can use: `installLibtorch` fetches one. */
  | 'LIBTORCH_NOT_FOUND'
  /** LibTorch is of a version that does not go with the addon, or that is not supported. */
  | 'LIBTORCH_VERSION'
  /** A server cannot listen at its address: the port is taken, or the address is none of this machine. */
  | 'LISTEN_FAILED'
  /** The lock on a folder was taken away while the work in it went on. */
  | 'LOCKED'
  /** LibTorch threw an error that this package does not know. */
  | 'NATIVE_FAILURE'
  /** The folder to classify holds no image files. */
  | 'NO_IMAGES_FOUND'
  /** A file or folder cannot be written for another reason than space. */
  | 'NOT_WRITABLE'
  /** There is not enough memory, of the machine or of the GPU. */
  | 'OUT_OF_MEMORY'
  /** Of the command line: an unfinished output of other images, another checkpoint or other options cannot be gone on with. */
  | 'OUTPUT_CHANGED'
  /** Of the command line: an unfinished output is there, which would be lost. */
  | 'OUTPUT_UNFINISHED'
  /** The operating system, the processor or the C library is none that this package runs on. */
  | 'PLATFORM_UNSUPPORTED'
  /** There is no Python with pip: the second way to LibTorch, and to one for CUDA the only one. */
  | 'PYTHON_NOT_FOUND'
  /** More images wait to be classified than `maxQueue` allows, or for longer than `maxWaitMs`: try again a little later. */
  | 'QUEUE_FULL'
  /** A run would go on with other settings, versions or another kind of machine: `force` does it all the same. */
  | 'RUN_CHANGED'
  /** A file of a run cannot be read. */
  | 'RUN_INVALID'
  /** There is no run of that name, or there are several. */
  | 'RUN_NOT_FOUND'
  /** A run cannot go on: it is finished, is under way, has diverged, or has no state. */
  | 'RUN_NOT_RESUMABLE'
  /** Of the command line: some images could not be classified. */
  | 'SOME_IMAGES_FAILED'
  /** Some jobs of a sweep failed: see `SweepError.result`. */
  | 'SWEEP_JOBS_FAILED'
  /** The loss, or a figure of an evaluation, is no longer finite. */
  | 'TRAINING_DIVERGED'
  /** Of the command line: wrong arguments. */
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

/**
 * The error class that functions of this package throw or reject with. Its `message` is one sentence with all parts,
 * fit for a terminal: control characters are escaped, and long texts are shortened. What a `prepare` function of
 * yours throws is passed on as it is.
 *
 * @category Errors
 */
export class Cifar10Error extends Error {
  /** The name of the class. */
  override name = 'Cifar10Error';
  /** What went wrong, for a program. */
  readonly code: ErrorCode;
  /** What would have been right, in words, where that can be said. */
  readonly expected: string | undefined;
  /** What was there instead, in words. */
  readonly found: string | undefined;
  /** One action that mends it: a command or an instruction. */
  readonly nextStep: string | undefined;

  /** @internal */
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

/**
 * Rejection of work that an `AbortSignal` stopped; `code` is `ABORTED`, `cause` is the signal's reason.
 *
 * @category Errors
 */
export class AbortError extends Cifar10Error {
  override name = 'AbortError';

  /** @internal */
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
