// Owns classifying the image files of a folder, one record a file, going on past files that cannot be read.
import { Cifar10Error, type ErrorCode } from './errors.js';
import { decodeImage, type FoundImage, listImages, type UnreadableFolder } from './images/index.js';
import { type Model, openModel, type RuntimeOptions } from './model.js';
import { throwIfAborted } from './native-job.js';
import { type ClassifyOptions, classifyPixels, DECODED_TOGETHER, type Prediction } from './predict.js';

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
  const found = await listImages(options.testDir);
  const model = await openModel(options.checkpoint, options);
  try {
    options.onStart?.(found.length);
    for (let begin = 0; begin < found.length; begin += DECODED_TOGETHER) {
      throwIfAborted(options.signal, 'the classification was stopped');
      yield* await inferFiles(model, found.slice(begin, begin + DECODED_TOGETHER), options);
    }
  } finally {
    model.predictor.close();
  }
}

async function inferFiles(
  model: Model,
  found: readonly (FoundImage | UnreadableFolder)[],
  options: InferOptions,
): Promise<InferRecord[]> {
  const decoded = await Promise.all(found.map(decodeFound));
  const readable = decoded.filter((item) => 'pixels' in item);
  const predictions = await classifyPixels(
    model,
    readable.map(({ pixels }) => pixels),
    options,
  );
  // By object and not by name: two names may look alike where they are not UTF-8.
  const predictionOf = new Map(readable.map((item, index) => [item, predictions[index] as Prediction]));
  return decoded.map((item) =>
    'pixels' in item ? { file: item.file, ...(predictionOf.get(item) as Prediction) } : item,
  );
}

interface DecodedFile {
  file: string;
  pixels: Uint8Array;
}

async function decodeFound(found: FoundImage | UnreadableFolder): Promise<DecodedFile | InferFailure> {
  try {
    if ('error' in found) throw found.error;
    return { file: found.name, pixels: await decodeImage(found) };
  } catch (error) {
    if (!(error instanceof Cifar10Error)) throw error;
    return { file: found.name, error: { code: error.code, message: error.message } };
  }
}
