// Owns classifying the image files of a folder, one record a file, going on past files that cannot be read.

import { pMapIterable } from 'p-map';
import { Classifier, type ClassifyOptions, type Prediction, rank } from './classifier/index.js';
import { Cifar10Error, type ErrorCode } from './errors.js';
import { type FoundImage, listImages, type UnreadableFolder } from './images/index.js';
import type { RuntimeOptions } from './model.js';

/** There is no other caller that a bound would protect. */
const MAX_BATCH = 256;
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
  /** Called once, with the number of records to come. */
  onStart?: ((fileCount: number) => void) | undefined;
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
    } & Prediction)
  | InferFailure;

/**
 * Classifies the folder's images in the order of their paths.
 * Errors: those of `predict` for the checkpoint, `IMAGE_NOT_FOUND` and `NO_IMAGES_FOUND` for the folder,
 * `INVALID_ARGUMENT`, `ABORTED`. A file that cannot be decoded, or a folder below that cannot be read, is a record
 * with `error`.
 *
 * @category Inference
 */
export async function* infer(options: InferOptions): AsyncGenerator<InferRecord, void, undefined> {
  const { testDir, checkpoint, onStart } = options;
  const found = await listImages(testDir);
  const classifier = await Classifier.load(checkpoint, { ...options, maxBatch: MAX_BATCH });
  try {
    onStart?.(found.length);
    const classify = (file: FoundImage | UnreadableFolder) => inferFile(classifier, file, options);
    yield* pMapIterable(found, classify, { concurrency: classifier.window });
  } finally {
    await classifier.close();
  }
}

async function inferFile(
  classifier: Classifier,
  found: FoundImage | UnreadableFolder,
  options: InferOptions,
): Promise<InferRecord> {
  try {
    if ('error' in found) throw found.error;
    const probabilities = await classifier.whenFree(found, options);
    return { file: found.name, ...rank(probabilities, classifier.classNames, options.topK ?? 3) };
  } catch (error) {
    if (!(error instanceof Cifar10Error) || !OF_ONE_FILE.has(error.code)) throw error;
    return { file: found.name, error: { code: error.code, message: error.message } };
  }
}
