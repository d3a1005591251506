// Owns the learning rate of a whole run before it is run: how many steps it has, and the lr at each. Must not read data.
import { type Config, type LoadConfigOptions, loadConfig } from './config/index.js';
import { CLASS_NAMES, trainImageCount } from './dataset/index.js';
import { loadNative } from './native.js';

export interface SchedulePlan {
  /** `linear`, `cosine`… */
  name: Config['training']['schedule']['name'];
  epochs: number;
  steps: number;
  stepsPerEpoch: number;
  /** Share of the peak learning rate at each step. */
  lrFactors: number[];
  /** By group of parameters; each falls and rises with `lrFactors`. */
  peakLr: Record<string, number>;
}

/**
 * The schedule that `train` would follow with the same options.
 * Errors: `CONFIG_*`, those of loading the addon.
 */
export function planSchedule(options: LoadConfigOptions = {}): SchedulePlan {
  const config = loadConfig(options);
  const { epochs, schedule, optimizer } = config.training;
  const stepsPerEpoch = countStepsPerEpoch(config.dataLoading);
  const steps = Math.max(1, Math.ceil(epochs * stepsPerEpoch - 1e-6)); // the margin of native/core/training/trainer.cpp
  const lrFactors = loadNative().lrFactors(schedule, steps, stepsPerEpoch);
  return { name: schedule.name, epochs, steps, stepsPerEpoch, lrFactors, peakLr: peakLrOf(optimizer) };
}

function countStepsPerEpoch({ source, validation, batchSize, dropLast }: Config['dataLoading']): number {
  const images = trainImageCount(source) - countHeldOut(trainImageCount(source), validation);
  return dropLast ? Math.floor(images / batchSize) : Math.ceil(images / batchSize);
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
