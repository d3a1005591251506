// Owns classifying the image files of a folder, one record a file, going on past files that cannot be read.
import { Cifar10Error, type ErrorCode } from './errors.js';
import { decodeImage, type FoundImage, listImages, type UnreadableFolder } from './images/index.js';
import { type Model, openModel, type RuntimeOptions } from './model.js';
import { throwIfAborted } from './native-job.js';
import { type ClassifyOptions, classifyPixels, DECODED_TOGETHER, type Prediction } from './predict.js';

export interface InferOptions extends RuntimeOptions, ClassifyOptions {
  /** A folder; image files in it and in the folders below it are classified. */
  testDir: string;
  /** Path of the checkpoint file. */
  checkpoint: string;
  /** Called once, with the number of files. */
  onStart?: ((fileCount: number) => void) | undefined;
}

export interface InferFailure {
  /** The path; bytes of a name that are not UTF-8 appear as U+FFFD. */
  file: string;
  error: { code: ErrorCode; message: string };
}

export type InferRecord = ({ file: string } & Prediction) | InferFailure;

/**
 * Classifies the folder's images in the order of their paths.
 * Errors: those of opening the checkpoint, `IMAGE_NOT_FOUND` and `NO_IMAGES_FOUND` for the folder, `ABORTED`. A file
 * that cannot be decoded, or a folder below that cannot be read, is a record with `error`.
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
