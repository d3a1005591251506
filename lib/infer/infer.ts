// Owns classifying the image files of a folder, one record a file, going on past files that cannot be read.
import { createHash } from 'node:crypto';
import { pMapIterable } from 'p-map';
import { forManyListeners } from '../abort-signal.js';
import {
  Classifier,
  type ClassifierInfo,
  type ClassifyOptions,
  type Prediction,
  rank,
} from '../classifier/index.js';
import { Cifar10Error, type ErrorCode } from '../errors.js';
import { type FoundImage, listImages, PlainFiles, type UnreadableFolder } from '../images/index.js';
import type { RuntimeOptions } from '../model.js';
import { type Shard, shardOf } from './shard.js';
import { SortedFolder, type SortInto } from './sorted-folder.js';
import { assertTrueLabels, trueLabelOf } from './true-labels.js';

/** There is no other caller that a bound would protect. */
const MAX_BATCH = 256;
/**
 * For what a batch waits: whole ones are faster, and for each size of a batch LibTorch keeps memory. Of a folder the last one may wait
 * in vain.
 */
const MAX_DELAY_MS = 200;
const OF_ONE_FILE = new Set<ErrorCode>(['IMAGE_INVALID', 'IMAGE_NOT_FOUND']);

/**
 * Which images to classify with which checkpoint, and how it is computed.
 *
 * @category Inference
 */
export interface InferOptions extends RuntimeOptions, ClassifyOptions {
  /**
   * A folder; image files in it and in the folders below it are classified: those named `.jpg`, `.jpeg`, `.png` or
   * `.webp`, in any case. Hidden files and folders are passed over, links are followed.
   */
  testDir: string;
  /** Path of the checkpoint file. */
  checkpoint: string;
  /**
   * One of several parts of the folder, which others may classify at the same time; the records of all parts one after the other are
   * those of the folder, as long as all see the same files. Default: all of it.
   */
  shard?: Shard | undefined;
  /** How many records to leave out at the beginning, those there are already: of the shard, where there is one. Default: 0. */
  skip?: number | undefined;
  /**
   * Takes the name of each image’s folder for its true class: records have a `trueLabel`, which a `ConfusionTally` counts. A
   * folder that is not named as a class is an error before anything is classified. Default: false.
   */
  labelsFromFolders?: boolean | undefined;
  /** Puts each classified file into a folder for its class, before its record comes. Default: no file is touched. */
  sortInto?: SortInto | undefined;
  /** Called once, before anything is classified; what it throws ends the call. */
  onStart?: ((start: InferStart) => void | Promise<void>) | undefined;
}

/**
 * What is about to be classified, and with what.
 *
 * @category Inference
 */
export interface InferStart {
  /** Records of the folder or of the shard, those that are left out among them. */
  fileCount: number;
  /** SHA-256 of the names of these files, in order: whether another run would have the same records. */
  filesSha256: string;
  /** The model, and how it is run. */
  classifier: ClassifierInfo;
  /** Indexed by label. */
  classNames: readonly string[];
}

/**
 * A file, or a folder below the given one, that could not be classified.
 *
 * @category Inference
 */
export interface InferFailure {
  /** The path, which begins with the folder as it was given; bytes of a name that are not UTF-8 appear as U+FFFD. */
  file: string;
  /** Why. */
  error: {
    /** `IMAGE_INVALID` or `IMAGE_NOT_FOUND`. */
    code: ErrorCode;
    /** One sentence for a person. */
    message: string;
  };
  /** The name of its folder, with `labelsFromFolders`, unless it is a folder itself. */
  trueLabel?: string;
}

/**
 * What became of one image file: its classes, or why there are none. `'error' in record` tells.
 *
 * @category Inference
 */
export type InferRecord =
  | ({
      /** The path, as of `InferFailure`. */
      file: string;
      /** The name of its folder, with `labelsFromFolders`. */
      trueLabel?: string;
    } & Prediction)
  | InferFailure;

type Found = FoundImage | UnreadableFolder;

/**
 * Classifies the folder's images in the order of their paths.
 * Errors: those of `predict` for the checkpoint, `IMAGE_NOT_FOUND` and `NO_IMAGES_FOUND` for the folder,
 * `INVALID_ARGUMENT`, `ABORTED`; with `sortInto` `NOT_WRITABLE` and `DISK_FULL`. A file that cannot be decoded, or a folder below
 * that cannot be read, is a record with `error`.
 *
 * @category Inference
 */
export async function* infer(options: InferOptions): AsyncGenerator<InferRecord, void, undefined> {
  const { testDir, checkpoint, shard, skip = 0, labelsFromFolders = false, sortInto, onStart } = options;
  const found = await listImages(testDir);
  const own = shardOf(found, shard);
  assertSkip(skip);
  const maxBatch = Math.max(1, Math.min(MAX_BATCH, own.length - skip));
  const classifier = await Classifier.load(checkpoint, { ...options, maxBatch, maxDelayMs: MAX_DELAY_MS });
  const plainFiles = new PlainFiles();
  let sorted: SortedFolder | undefined;
  try {
    const { classNames, info } = classifier;
    if (labelsFromFolders) assertTrueLabels(imageNames(found), classNames);
    sorted = sortInto && (await SortedFolder.open(testDir, sortInto, classNames));
    await onStart?.({
      fileCount: own.length,
      filesSha256: digestOf(own),
      classifier: info,
      classNames: [...classNames],
    });
    assertSkipWithin(own.length, skip); // after `onStart`, which can say more of files that are not those of before
    const each = { ...options, signal: forManyListeners(options.signal) };
    const classify = (ahead: ReadAhead) => inferFile(classifier, ahead, each, sorted);
    const ahead = readAhead(own.slice(skip), plainFiles);
    yield* pMapIterable(ahead, classify, { concurrency: classifier.window });
  } finally {
    await Promise.all([plainFiles.close(), sorted?.close()]);
    await classifier.close();
  }
}

/** Files that one thread reads together, and how many such lots there are at a time. */
const AHEAD = { files: 64, concurrency: 4 };

interface ReadAhead {
  readonly found: Found;
  /** uint8 [32, 32, 3]; undefined for what is still to be read. */
  readonly pixels: Uint8Array | undefined;
}

async function* readAhead(own: readonly Found[], plainFiles: PlainFiles): AsyncGenerator<ReadAhead> {
  const lots = Array.from({ length: Math.ceil(own.length / AHEAD.files) }, (_, lot) => lot * AHEAD.files);
  const read = async (begin: number) => {
    const lot = own.slice(begin, begin + AHEAD.files);
    const files = lot.map((found) => ('error' in found ? undefined : found));
    const pixels = await plainFiles.read(files.filter((file) => file !== undefined));
    return lot.map((found) => ({ found, pixels: 'error' in found ? undefined : pixels.shift() }));
  };
  for await (const lot of pMapIterable(lots, read, AHEAD)) yield* lot;
}

async function inferFile(
  classifier: Classifier,
  { found, pixels }: ReadAhead,
  options: InferOptions,
  sorted: SortedFolder | undefined,
): Promise<InferRecord> {
  const isLabelled = options.labelsFromFolders && !('error' in found);
  const known = { file: found.name, ...(isLabelled ? { trueLabel: trueLabelOf(found.name) } : {}) };
  try {
    if ('error' in found) throw found.error;
    const image = pixels ? ({ data: pixels, width: 32, height: 32, channels: 3 } as const) : found;
    const probabilities = await classifier.whenFree(image, options);
    const prediction = rank(probabilities, classifier.classNames, options.topK ?? 3);
    await sorted?.put(found, prediction.label);
    return { ...known, ...prediction };
  } catch (error) {
    if (!(error instanceof Cifar10Error) || !OF_ONE_FILE.has(error.code)) throw error;
    return { ...known, error: { code: error.code, message: error.message } };
  }
}

function* imageNames(found: Iterable<Found>): Generator<string> {
  for (const file of found) if (!('error' in file)) yield file.name;
}

function digestOf(found: readonly Found[]): string {
  const hash = createHash('sha256');
  for (const file of found) hash.update('error' in file ? file.name : file.path).update('\0');
  return hash.digest('hex');
}

function assertSkip(skip: number): void {
  if (!Number.isInteger(skip) || skip < 0) throw outOfRange(skip, 'a number of records');
}

function assertSkipWithin(fileCount: number, skip: number): void {
  if (skip > fileCount) throw outOfRange(skip, `at most ${fileCount}, the number of files`);
}

function outOfRange(skip: number, expected: string): Cifar10Error {
  return new Cifar10Error('INVALID_ARGUMENT', {
    what: '"skip" is out of range',
    expected,
    found: String(skip),
    nextStep: 'give another number, or leave it out',
  });
}
