// Owns opening a checkpoint as a model ready to run: what evaluation and prediction begin with.
import {
  assertTensorsMatch,
  type CheckpointHead,
  type CheckpointMeta,
  readCheckpoint,
  type TensorLayout,
} from './checkpoint/index.js';
import { assertValidInference, type Config, parseConfig } from './config/index.js';
import { Cifar10Error, errorMessage } from './errors.js';
import { loadNative } from './native.js';
import type { NativeAddon, NativePredictor } from './native-addon.js';
import { callNative } from './native-job.js';
import { settleDevice, settlePrecision, settleThreads } from './settle.js';

/**
 * Where and how a model runs.
 *
 * @category Inference
 */
export interface RuntimeOptions {
  /** `auto`: CUDA where LibTorch has it and finds a GPU, else the processor. Default: `auto`. */
  device?: Config['training']['device'] | undefined;
  /**
   * Of activations; `auto`: bfloat16 where the machine is fast in it, else float32. Default: as in training; in `evaluate`,
   * as in its test.
   */
  dtype?: Config['training']['precision'] | undefined;
  /** How many threads compute, 1 to 1024. Default: one a physical core that the process may use. */
  threads?: number | undefined;
  /**
   * `auto`: this package's own where they are faster (docs/performance.md); `own`: wherever they can run; `libtorch`: none
   * of them. Default: as in training.
   */
  kernels?: Config['training']['kernels'] | undefined;
  /**
   * Side of the largest tiles of its own convolutions: 2 rounds less than 4 and is slower; an image’s results then do not
   * depend on how many others are in the call. With 4 they do, by what rounding does. Default: as in training.
   */
  maxWinogradTile?: Config['training']['maxWinogradTile'] | undefined;
}

/** Of every model in native/core. */
const CLASS_COUNT = 10;

export interface Model {
  readonly predictor: NativePredictor;
  /** What it was trained with. */
  readonly config: Config;
  /** Indexed by label. */
  readonly classNames: readonly string[];
}

/**
 * Reads a checkpoint and loads its weights into the model named in it; where the caller leaves the precision open, it is
 * that of the training named by `precisionKey`.
 * Errors: `INVALID_ARGUMENT`, `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH`, `DEVICE_UNAVAILABLE`, those of loading
 * LibTorch.
 */
export async function openModel(
  path: string,
  runtime: RuntimeOptions,
  precisionKey: 'precision' | 'evalPrecision' = 'precision',
): Promise<Model> {
  assertValidInference(runtime);
  const native = loadNative();
  const { tensors, meta } = await readCheckpoint(path, (head) => assertOfModel(path, head, native));
  const { classNames, normalization } = meta;
  const config = trainingConfig(path, meta);
  const state = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const device = settleDevice(runtime.device ?? 'auto');
  const options = {
    model: config.model,
    normalization,
    device,
    precision: settlePrecision(runtime.dtype ?? config.training[precisionKey], device),
    threads: settleThreads(runtime.threads ?? null),
    kernels: runtime.kernels ?? config.training.kernels,
    maxWinogradTile: runtime.maxWinogradTile ?? config.training.maxWinogradTile,
    batchSize: config.training.evalBatchSize,
  };
  const predictor = callNative(() => new native.Predictor(options, state));
  return { predictor, config, classNames };
}

/** Passes if the checkpoint holds what the model named in it needs. Errors: `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH`. */
export function assertOfModel(path: string, { layouts, meta }: CheckpointHead, native: NativeAddon): void {
  assertClassCount(path, meta.classNames);
  assertTensorsMatch(`checkpoint "${path}"`, layouts, expectedTensors(native, trainingConfig(path, meta)));
}

function trainingConfig(path: string, meta: CheckpointMeta): Config {
  try {
    return parseConfig(meta.config);
  } catch (error) {
    throw new Cifar10Error('CHECKPOINT_INVALID', {
      what: `checkpoint "${path}" has a configuration that this version does not know`,
      found: errorMessage(error),
      nextStep: 'install the version of this package that wrote it',
      cause: error,
    });
  }
}

function assertClassCount(path: string, { length }: readonly string[]): void {
  if (length === CLASS_COUNT) return;
  throw new Cifar10Error('CHECKPOINT_INVALID', {
    what: `checkpoint "${path}" has another number of classes`,
    expected: String(CLASS_COUNT),
    found: String(length),
    nextStep: 'give a checkpoint that the train command wrote',
  });
}

/** The tensors of the configured model, by name. */
export function expectedTensors(native: NativeAddon, config: Config): Map<string, TensorLayout> {
  const { tensors } = callNative(() => native.describeModel(config.model));
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}
