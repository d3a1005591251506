// Owns the learning rate of a whole run before it is run: how many steps it has, and the lr at each. Must not read data.
import { type Config, type LoadConfigOptions, loadConfig } from './config/index.js';
import { CLASS_NAMES, trainImageCount } from './dataset/index.js';
import { Cifar10Error } from './errors.js';
import { loadNative } from './native.js';
import { callNative } from './native-job.js';

/**
 * The learning rate of a training, step by step.
 *
 * @category Training
 */
export interface SchedulePlan {
  /** The shape, `training.schedule.name`: `linear`, `cosine`… */
  name: Config['training']['schedule']['name'];
  /** Passes over the train images, `training.epochs`; may be a fraction. */
  epochs: number;
  /** Updates of the whole training. */
  steps: number;
  /** Updates of one epoch. */
  stepsPerEpoch: number;
  /** Share of the peak learning rate at each step: `steps` of them. */
  lrFactors: number[];
  /**
   * The peak by group of parameters, which all follow `lrFactors`, but for what a model freezes early: the whitening
   * bias of `fast`.
   */
  peakLr: Record<string, number>;
}

/**
 * The schedule that `train` would follow with the same options. Needs LibTorch, but no dataset.
 * Errors: `CONFIG_*`, `DATASET_TOO_SMALL` for no whole batch, `LIBTORCH_*`, `ADDON_*`.
 *
 * @category Training
 */
export function planSchedule(options: LoadConfigOptions = {}): SchedulePlan {
  const config = loadConfig(options);
  const { epochs, schedule, optimizer } = config.training;
  const stepsPerEpoch = countStepsPerEpoch(config.dataLoading);
  const steps = Math.max(1, Math.ceil(epochs * stepsPerEpoch - 1e-6)); // the margin of native/core/training/trainer.cpp
  const lrFactors = factorsOf(schedule, steps, stepsPerEpoch);
  return { name: schedule.name, epochs, steps, stepsPerEpoch, lrFactors, peakLr: peakLrOf(optimizer) };
}

/** Errors: `DATASET_TOO_SMALL`. */
export function countStepsPerEpoch({
  source,
  validation,
  batchSize,
  dropLast,
}: Config['dataLoading']): number {
  const images = trainImageCount(source) - countHeldOut(trainImageCount(source), validation);
  const batches = dropLast ? Math.floor(images / batchSize) : Math.ceil(images / batchSize);
  if (batches > 0) return batches;
  throw new Cifar10Error('DATASET_TOO_SMALL', {
    what: 'an epoch would have no batch',
    expected: `data_loading.batch_size of at most the ${images} train images`,
    found: String(batchSize),
    nextStep: 'use a smaller batch, or data_loading.drop_last=false',
  });
}

function factorsOf(schedule: Config['training']['schedule'], steps: number, stepsPerEpoch: number): number[] {
  const native = loadNative();
  return callNative(() => native.lrFactors(schedule, steps, stepsPerEpoch));
}

/** Of each class the same share; both datasets hold as many images of one class as of another. */
function countHeldOut(images: number, validation: Config['dataLoading']['validation']): number {
  const { length } = CLASS_NAMES;
  return validation === 'none' ? 0 : length * Math.round((images / length) * validation);
}

function peakLrOf(optimizer: Config['training']['optimizer']): Record<string, number> {
  const { lr } = optimizer;
  if (optimizer.name === 'muon')
    return { filters: lr, head: optimizer.companion.headLr, vectors: optimizer.companion.vectorLr };
  if (optimizer.name !== 'sgd' || optimizer.normLrScale === 1) return { all: lr };
  return { weights: lr, norms: lr * optimizer.normLrScale };
}
