// Owns classifying the image files of a folder, one record a file, going on past files that cannot be read.
import { Cifar10Error, type ErrorCode } from './errors.js';
import { decodeImage, listImages } from './images.js';
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
  file: string;
  error: { code: ErrorCode; message: string };
}

export type InferRecord = ({ file: string } & Prediction) | InferFailure;

/**
 * Classifies the folder's images in the order of their paths.
 * Errors: those of opening the checkpoint, `IMAGE_NOT_FOUND` and `NO_IMAGES_FOUND` for the folder, `ABORTED`. A file
 * that cannot be decoded is a record with `error`.
 */
export async function* infer(options: InferOptions): AsyncGenerator<InferRecord, void, undefined> {
  const files = await listImages(options.testDir);
  const model = await openModel(options.checkpoint, options);
  try {
    options.onStart?.(files.length);
    for (let begin = 0; begin < files.length; begin += DECODED_TOGETHER) {
      throwIfAborted(options.signal, 'the classification was stopped');
      yield* await inferFiles(model, files.slice(begin, begin + DECODED_TOGETHER), options);
    }
  } finally {
    model.predictor.close();
  }
}

async function inferFiles(
  model: Model,
  files: readonly string[],
  options: InferOptions,
): Promise<InferRecord[]> {
  const decoded = await Promise.all(files.map(decodeFile));
  const readable = decoded.filter((item) => 'pixels' in item);
  const predictions = await classifyPixels(
    model,
    readable.map(({ pixels }) => pixels),
    options,
  );
  const byFile = new Map(readable.map(({ file }, index) => [file, predictions[index] as Prediction]));
  return decoded.map((item) => {
    const prediction = byFile.get(item.file);
    return prediction ? { file: item.file, ...prediction } : (item as InferFailure);
  });
}

async function decodeFile(file: string): Promise<{ file: string; pixels: Uint8Array } | InferFailure> {
  try {
    return { file, pixels: await decodeImage(file) };
  } catch (error) {
    if (!(error instanceof Cifar10Error)) throw error;
    return { file, error: { code: error.code, message: error.message } };
  }
}
