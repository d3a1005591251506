// Owns judging a checkpoint by the test images.
import type { Config } from './config/index.js';
import { resolveDataset } from './dataset/index.js';
import { type Model, openModel, type RuntimeOptions } from './model.js';
import { Listener, runJob } from './native-job.js';

/**
 * Which checkpoint to judge, by which images, and how it is computed.
 *
 * @category Inference
 */
export interface EvaluateOptions extends RuntimeOptions {
  /** Path of the checkpoint file. */
  checkpoint: string;
  /** The dataset: `cifar10`, or the embedded `sample`. Default: the one it was trained on. */
  source?: Config['dataLoading']['source'] | undefined;
  /** Folder of the dataset; null: `cifar10` in the cache folder. Default: the one it was trained with. */
  dataDir?: string | null | undefined;
  /** Test-time augmentation: 0 none (default), 1 mirror, 2 mirror and shifts. */
  tta?: 0 | 1 | 2 | undefined;
  /** Stops the evaluation within one batch. */
  signal?: AbortSignal | undefined;
  /** Called with the images done so far, each counted once, whatever the number of its views. */
  onProgress?: ((progress: { done: number; total: number }) => void) | undefined;
}

/**
 * Figures over all test images at once, without augmentation unless the name says `tta`; fractions in [0, 1], but for the
 * cross-entropy. `docs/evaluation.md` gives each formula with its source.
 *
 * @category Inference
 */
export interface EvaluateResult {
  /** Test images that were classified. */
  imageCount: number;
  /** Fraction of images whose most probable class is the true one. */
  accuracy: number;
  /** Fraction of images whose true class is among the 2, 3 or 5 most probable ones. */
  topKAccuracy: {
    /** Among the 2 most probable. */
    2: number;
    /** Among the 3 most probable. */
    3: number;
    /** Among the 5 most probable. */
    5: number;
  };
  /** The mean negative log-likelihood of the true class: natural logarithm, no label smoothing. */
  crossEntropy: number;
  /** By how much confidence and accuracy differ: 15 equal bins of confidence, L1 (Guo et al. 2017). */
  expectedCalibrationError: number;
  /** The accuracy with test-time augmentation; absent at level 0. */
  ttaAccuracy?: number;
  /** The cross-entropy with test-time augmentation; absent at level 0. */
  ttaCrossEntropy?: number;
  /** The calibration error with test-time augmentation; absent at level 0. */
  ttaExpectedCalibrationError?: number;
  /** Mean of the precisions over the classes; one that is neither a label nor a prediction does not count. */
  macroPrecision: number;
  /** Mean of the recalls over the same classes. */
  macroRecall: number;
  /** Mean of the F1 scores over the same classes. */
  macroF1: number;
  /** Of the images predicted as the class, the fraction that are of it; by class name, 0 for one never predicted. */
  perClassPrecision: Record<string, number>;
  /** The recall: of the images of the class, the fraction predicted as it; 0 for a class without images. */
  perClassAccuracy: Record<string, number>;
  /** The harmonic mean of the two. */
  perClassF1: Record<string, number>;
  /** [10][10]: row is the true class, column the predicted one, in the order of `classNames`. */
  confusionMatrix: number[][];
  /** Indexed by label. */
  classNames: readonly string[];
}

/**
 * Classifies the test images and counts.
 * Errors: `CHECKPOINT_*`, `INVALID_ARGUMENT`, `DEVICE_UNAVAILABLE`, `LIBTORCH_*`, `ADDON_*`, `OUT_OF_MEMORY`,
 * `DATASET_NOT_FOUND`, `DATASET_CORRUPT`, `ABORTED`.
 *
 * @category Inference
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluateResult> {
  const model = await openModel(options.checkpoint, options, { precisionKey: 'evalPrecision' });
  try {
    return await evaluateModel(model, options);
  } finally {
    model.predictor.close();
  }
}

async function evaluateModel(
  { predictor, config, classNames }: Model,
  options: EvaluateOptions,
): Promise<EvaluateResult> {
  const { signal, onProgress, tta = 0 } = options;
  const { source, dataDir } = config.dataLoading;
  const files = await resolveDataset({
    source: options.source ?? source,
    dataDir: options.dataDir === undefined ? dataDir : options.dataDir,
    signal,
  });
  const listener = new Listener(onProgress, signal);
  const startJob = () =>
    predictor.evaluate(files.test, tta, ({ done, total }) => listener.call({ done, total }));
  const job = runJob(startJob, listener.signal, 'the evaluation was stopped');
  const { confusionMatrix, perClassPrecision, perClassAccuracy, perClassF1, ...overall } =
    await listener.settle(job);
  const byName = (values: readonly number[]) =>
    Object.fromEntries(classNames.map((name, label) => [name, values[label] as number]));
  return {
    ...overall,
    perClassPrecision: byName(perClassPrecision),
    perClassAccuracy: byName(perClassAccuracy),
    perClassF1: byName(perClassF1),
    confusionMatrix,
    classNames,
  };
}
