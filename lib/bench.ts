// Owns what a benchmark comes to: the median step, its phases, memory, the share of what the machine can do.
import { type Config, type LoadConfigOptions, loadConfig, modelLabel } from './config/index.js';
import { Cifar10Error } from './errors.js';
import { loadNative } from './native.js';
import type { Precision, StepSeconds } from './native-addon.js';
import { callNative, runJob } from './native-job.js';
import { peakMemoryBytes } from './peak-memory.js';
import { settle } from './settle.js';

/**
 * What to time: a configuration, as for `train`, and how often.
 *
 * @category Diagnostics
 */
export interface BenchOptions extends LoadConfigOptions {
  /** A whole step of the configured training, or forward passes alone. */
  mode: 'train' | 'infer';
  /** Timed steps or batches, the first two of which do not count. 3 to 10,000. Default: 12. */
  steps?: number | undefined;
  /** Stops the benchmark within one step. */
  signal?: AbortSignal | undefined;
}

/**
 * Times are medians over the steps that count.
 *
 * @category Diagnostics
 */
export interface BenchResult {
  /** As it was asked for. */
  readonly mode: 'train' | 'infer';
  /** The name that runs of it have in tables: `fast`, `resnet20`… */
  readonly model: string;
  /** Of activations: what `training.precision` came to on this machine. */
  readonly precision: Precision;
  /** The setting, `training.kernels`. */
  readonly kernels: Config['training']['kernels'];
  /** The setting, `training.max_winograd_tile`. */
  readonly maxWinogradTile: Config['training']['maxWinogradTile'];
  /** Images of one step, `data_loading.batch_size`. */
  readonly batchSize: number;
  /** All that were timed, the first two, which do not count, among them. */
  readonly steps: number;
  /** Where it was computed: `cpu`, `cuda:0`. */
  readonly device: string;
  /** How many threads computed. */
  readonly threads: number;
  /** `batchSize` over `stepSeconds`. */
  readonly imagesPerSecond: number;
  /** A whole step, all phases together. */
  readonly stepSeconds: number;
  /** Inference has no backward pass and no optimizer; its augmentation is normalization. */
  readonly phaseSeconds: StepSeconds;
  /** Of this process, at its highest, with LibTorch’s own code. */
  readonly peakMemoryBytes: number;
  /** FLOP/s of the fastest of LibTorch’s 3x3 convolutions in this precision, on this machine, after the steps. */
  readonly convolutionPeak: number;
  /**
   * FLOP/s of the step over that peak. The step is counted as its convolutions and linear layers done plainly, a training as three
   * forward passes; Winograd’s convolutions do with fewer multiplications, so that the share may be above 1.
   */
  readonly convolutionShare: number;
}

const WARM_UP_STEPS = 2;
const PASSES = { train: 3, infer: 1 };

/**
 * Times the configured model on synthetic images: no dataset is read, nothing is written.
 * Errors: `CONFIG_*`, `INVALID_ARGUMENT`, `LIBTORCH_*`, `ADDON_*`, `DEVICE_UNAVAILABLE`, `OUT_OF_MEMORY`, `ABORTED`.
 *
 * @category Diagnostics
 */
export async function bench({ mode, steps = 12, signal, ...sources }: BenchOptions): Promise<BenchResult> {
  assertMode(mode);
  assertSteps(steps);
  const native = loadNative();
  const config = settle(loadConfig(sources));
  const request = { config, steps, trains: mode === 'train' };
  const measured = await runJob(() => native.benchmark(request), signal, 'the benchmark was stopped');
  const counted = measured.steps.slice(WARM_UP_STEPS);
  const { batchSize } = config.dataLoading;
  const { precision, kernels, maxWinogradTile } = config.training;
  const multiplyAdds = callNative(() => native.countMultiplyAdds(config.model));
  const stepSeconds = median(counted.map(sum));
  const flops = 2 * multiplyAdds * PASSES[mode] * batchSize;
  return {
    mode,
    model: modelLabel(config.model),
    precision,
    kernels,
    maxWinogradTile,
    batchSize,
    steps,
    device: measured.device,
    threads: measured.threads,
    imagesPerSecond: batchSize / stepSeconds,
    stepSeconds,
    phaseSeconds: phases(counted),
    peakMemoryBytes: peakMemoryBytes(),
    convolutionPeak: measured.convolutionPeak,
    convolutionShare: flops / stepSeconds / measured.convolutionPeak,
  };
}

function assertMode(mode: string): void {
  if (mode in PASSES) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: '"mode" of the benchmark',
    expected: Object.keys(PASSES).join(' or '),
    found: mode,
    nextStep: 'give one of them',
  });
}

function assertSteps(steps: number): void {
  if (Number.isInteger(steps) && steps > WARM_UP_STEPS && steps <= 10_000) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: '"steps" of the benchmark',
    expected: `an integer from ${WARM_UP_STEPS + 1} to 10000`,
    found: String(steps),
    nextStep: 'give another number',
  });
}

function sum({ augment, forward, backward, optimizer }: StepSeconds): number {
  return augment + forward + backward + optimizer;
}

function phases(steps: readonly StepSeconds[]): StepSeconds {
  const of = (phase: keyof StepSeconds) => median(steps.map((step) => step[phase]));
  return {
    augment: of('augment'),
    forward: of('forward'),
    backward: of('backward'),
    optimizer: of('optimizer'),
  };
}

/** `values`: at least one. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
