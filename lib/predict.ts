// Owns classifying images: decode, run the model, name the classes.
import { Cifar10Error } from './errors.js';
import { decodeImage, type ImageInput } from './images/index.js';
import { type Model, openModel, type RuntimeOptions } from './model.js';
import { runJob, throwIfAborted } from './native-job.js';

/**
 * What a classification tells, and by how many views.
 *
 * @category Inference
 */
export interface ClassifyOptions {
  /** How many classes to list, 1 to 10. Default: 3. */
  topK?: number | undefined;
  /** Test-time augmentation: 0 none (default), 1 mirror, 2 mirror and shifts. */
  tta?: 0 | 1 | 2 | undefined;
  /** Stops the work within one batch. */
  signal?: AbortSignal | undefined;
}

/**
 * Which checkpoint classifies, and how it is computed.
 *
 * @category Inference
 */
export interface PredictOptions extends RuntimeOptions, ClassifyOptions {
  /** Path of the checkpoint file. */
  checkpoint: string;
}

/**
 * A class and how probable it is.
 *
 * @category Inference
 */
export interface ClassProbability {
  /** The name of the class: `cat`. */
  label: string;
  /** 0–1, the softmax of the logits; all classes sum to 1. */
  probability: number;
}

/**
 * The most probable class of an image, and those after it.
 *
 * @category Inference
 */
export interface Prediction extends ClassProbability {
  /** The most probable classes, in falling order; the first is `label`. */
  topK: ClassProbability[];
}

/** Images decoded and classified together: enough for full speed, few enough for any memory. */
export const DECODED_TOGETHER = 256;

const STOPPED = 'the classification was stopped';

/**
 * Classifies one or many images with a checkpoint; the results are in the order of the images. An image of another
 * size than 32x32 is stretched to it with a Lanczos kernel; EXIF orientation is applied, grey becomes RGB. An image
 * that cannot be decoded rejects the whole call: `infer` is the form that goes on. Each call reads the checkpoint.
 * Errors: `CHECKPOINT_*`, `DEVICE_UNAVAILABLE`, `LIBTORCH_*`, `ADDON_*`, `OUT_OF_MEMORY`, `IMAGE_NOT_FOUND`,
 * `IMAGE_INVALID`, `INVALID_ARGUMENT`, `ABORTED`.
 *
 * @category Inference
 */
export async function predict(
  images: ImageInput | readonly ImageInput[],
  options: PredictOptions,
): Promise<Prediction[]> {
  const inputs = isList(images) ? images : [images];
  const model = await openModel(options.checkpoint, options);
  try {
    const predictions: Prediction[] = [];
    for (let begin = 0; begin < inputs.length; begin += DECODED_TOGETHER) {
      throwIfAborted(options.signal, STOPPED);
      const part = inputs.slice(begin, begin + DECODED_TOGETHER);
      const pixels = await Promise.all(part.map((image) => decodeImage(image)));
      predictions.push(...(await classifyPixels(model, pixels, options)));
    }
    return predictions;
  } finally {
    model.predictor.close();
  }
}

function isList(images: ImageInput | readonly ImageInput[]): images is readonly ImageInput[] {
  return Array.isArray(images);
}

/** Classifies decoded images, each uint8 [32,32,3]. Errors: `INVALID_ARGUMENT`, `ABORTED`. */
export async function classifyPixels(
  { predictor, classNames }: Model,
  pixels: readonly Uint8Array[],
  { topK = 3, tta = 0, signal }: ClassifyOptions,
): Promise<Prediction[]> {
  if (!Number.isInteger(topK) || topK < 1 || topK > classNames.length)
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: 'topK is out of range',
      expected: `an integer from 1 to ${classNames.length}`,
      found: String(topK),
      nextStep: 'correct the option, or leave it out',
    });
  if (pixels.length === 0) return [];
  const startJob = () => predictor.classify(Buffer.concat(pixels), tta);
  const probabilities = await runJob(startJob, signal, STOPPED);
  return pixels.map((_, image) => {
    const begin = image * classNames.length;
    return rank(classNames, probabilities.subarray(begin, begin + classNames.length), topK);
  });
}

function rank(classNames: readonly string[], probabilities: Float32Array, count: number): Prediction {
  const ranked = classNames
    .map((label, index) => ({ label, probability: probabilities[index] as number }))
    .sort((a, b) => b.probability - a.probability);
  return { ...(ranked[0] as ClassProbability), topK: ranked.slice(0, count) };
}
