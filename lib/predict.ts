// Owns classifying some images once, with a checkpoint that is opened for them alone.
import { Classifier, type ClassifyOptions, type Prediction } from './classifier/index.js';
import type { ImageInput } from './images/index.js';
import type { RuntimeOptions } from './model.js';

/**
 * Which checkpoint classifies, and how it is computed.
 *
 * @category Inference
 */
export interface PredictOptions extends RuntimeOptions, ClassifyOptions {
  /** Path of the checkpoint file. */
  checkpoint: string;
}

/** There is no other caller that a bound would protect. */
const MAX_BATCH = 256;

/**
 * Classifies one or many images with a checkpoint; the results are in the order of the images. An image of another
 * size than 32x32 is stretched to it with a Lanczos kernel; EXIF orientation is applied, grey becomes RGB. An image
 * that cannot be decoded rejects the whole call: `infer` is the form that goes on. Each call reads the checkpoint: a
 * `Classifier` keeps it.
 * Errors: `CHECKPOINT_*`, `DEVICE_UNAVAILABLE`, `LIBTORCH_*`, `ADDON_*`, `OUT_OF_MEMORY`, `IMAGE_NOT_FOUND`,
 * `IMAGE_INVALID`, `INVALID_ARGUMENT`, `ABORTED`.
 *
 * @category Inference
 */
export async function predict(
  images: ImageInput | readonly ImageInput[],
  { checkpoint, ...options }: PredictOptions,
): Promise<Prediction[]> {
  const classifier = await Classifier.load(checkpoint, { ...options, maxBatch: MAX_BATCH });
  try {
    return await classifier.classify(images, options);
  } finally {
    await classifier.close();
  }
}
