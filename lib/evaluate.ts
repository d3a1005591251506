// Owns judging a checkpoint by the test images.
import type { Config } from './config/index.js';
import { resolveDataset } from './dataset/index.js';
import { openModel, type RuntimeOptions } from './model.js';
import { Listener, runJob } from './native-job.js';

export interface EvaluateOptions extends RuntimeOptions {
  /** Path of the checkpoint file. */
  checkpoint: string;
  /** Default: the one it was trained on. */
  source?: Config['dataLoading']['source'] | undefined;
  /** Folder of the dataset. Default: the one it was trained with. */
  dataDir?: string | null | undefined;
  /** Test-time augmentation: 0 none (default), 1 mirror, 2 mirror and shifts. */
  ttaLevel?: 0 | 1 | 2 | undefined;
  signal?: AbortSignal | undefined;
  /** Images done so far, counted once whatever the number of views. */
  onProgress?: ((progress: { done: number; total: number }) => void) | undefined;
}

export interface EvaluateResult {
  /** Fraction of images whose most probable class is the true one, without augmentation. */
  accuracy: number;
  /** Mean over the images, natural logarithm, without augmentation or smoothing. */
  crossEntropy: number;
  /** With augmentation; absent at level 0. */
  ttaAccuracy?: number;
  perClassAccuracy: Record<string, number>;
  /** [10][10]: row is the true class, column the predicted one, in the order of `classNames`. */
  confusionMatrix: number[][];
  imageCount: number;
  classNames: readonly string[];
}

/**
 * Classifies the test images and counts.
 * Errors: those of opening the checkpoint, `DATASET_NOT_FOUND`, `DATASET_CORRUPT`, `ABORTED`.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluateResult> {
  const { signal, onProgress, ttaLevel = 0 } = options;
  const { predictor, config, classNames } = await openModel(options.checkpoint, options);
  const { source, dataDir } = config.dataLoading;
  const files = await resolveDataset({
    source: options.source ?? source,
    dataDir: options.dataDir === undefined ? dataDir : options.dataDir,
    signal,
  });
  const listener = new Listener(onProgress, signal);
  const startJob = () =>
    predictor.evaluate(files.test, ttaLevel, ({ done, total }) => listener.call({ done, total }));
  const job = runJob(startJob, listener.signal, 'the evaluation was stopped');
  const { perClassAccuracy, ...figures } = await listener.settle(job);
  const byName = classNames.map((name, label) => [name, perClassAccuracy[label] ?? Number.NaN] as const);
  return { ...figures, perClassAccuracy: Object.fromEntries(byName), classNames };
}
