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
import type { NativeAddon, NativePredictor, PredictorOptions } from './native-addon.js';
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
   * Side of the largest tiles of its own convolutions: 2 rounds less than 4 and is slower. How an image’s results are
   * rounded depends on how many others run together with it, less so with 2. Default: as in training.
   */
  maxWinogradTile?: Config['training']['maxWinogradTile'] | undefined;
}

/** Of every model in native/core. */
const CLASS_COUNT = 10;

export interface Model {
  readonly predictor: NativePredictor;
  /** Where and in what arithmetic it runs, with nothing left open. */
  readonly runtime: Pick<PredictorOptions, 'device' | 'precision' | 'threads'>;
  /** What it was trained with. */
  readonly config: Config;
  /** Indexed by label. */
  readonly classNames: readonly string[];
  /** Of the checkpoint. */
  readonly sha256: string;
  /** Weights and biases. */
  readonly parameterCount: number;
}

/** What a caller leaves to what it does with the model. */
interface OpenOptions {
  /** The setting of the training that a precision left open follows. Default: `precision`. */
  precisionKey?: 'precision' | 'evalPrecision';
  /** Images of one forward pass, at most. Default: as in the training's evaluation. */
  batchSize?: number;
}

/**
 * Reads a checkpoint and loads its weights into the model named in it.
 * Errors: `INVALID_ARGUMENT`, `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH`, `DEVICE_UNAVAILABLE`, those of loading
 * LibTorch.
 */
export async function openModel(
  path: string,
  runtime: RuntimeOptions,
  { precisionKey = 'precision', batchSize }: OpenOptions = {},
): Promise<Model> {
  assertValidInference(runtime);
  const native = loadNative();
  const { tensors, meta, sha256 } = await readCheckpoint(path, (head) => assertOfModel(path, head, native));
  const { classNames, normalization } = meta;
  const config = trainingConfig(path, meta);
  const state = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const options = {
    model: config.model,
    normalization,
    ...settleRuntime(runtime, config.training[precisionKey]),
    kernels: runtime.kernels ?? config.training.kernels,
    maxWinogradTile: runtime.maxWinogradTile ?? config.training.maxWinogradTile,
    batchSize: batchSize ?? config.training.evalBatchSize,
  };
  const predictor = callNative(() => new native.Predictor(options, state));
  const { device, precision, threads } = options;
  const { parameterCount } = callNative(() => native.describeModel(config.model));
  return {
    predictor,
    config,
    classNames,
    sha256,
    parameterCount,
    runtime: { device, precision, threads },
  };
}

function settleRuntime(
  { device: wanted, dtype, threads }: RuntimeOptions,
  trained: Config['training']['precision'],
) {
  const device = settleDevice(wanted ?? 'auto');
  return {
    device,
    precision: settlePrecision(dtype ?? trained, device),
    threads: settleThreads(threads ?? null),
  };
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
