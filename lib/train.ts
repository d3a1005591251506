// Owns a training from configuration to checkpoint: resolve, verify the data, run natively, save.
// Must not print; what happens is told by events.
import { saveCheckpoint, type TensorData } from './checkpoint/index.js';
import {
  type Config,
  configToSnake,
  configToYaml,
  type LoadConfigOptions,
  loadConfig,
  modelLabel,
} from './config/index.js';
import { CLASS_NAMES, resolveDataset } from './dataset/index.js';
import { AbortError } from './errors.js';
import { loadNative } from './native.js';
import type { EpochEvent, NativeTrainResult, StartEvent, StepEvent, TestEvent } from './native-addon.js';
import { runJob, throwIfAborted } from './native-job.js';
import { RunFolder } from './run-folder.js';
import { TrainingRun } from './training-run.js';
import { VERSION } from './version.js';

export interface TrainOptions extends LoadConfigOptions {
  /** Stops the run within one step; the run then rejects with an `AbortError`. */
  signal?: AbortSignal | undefined;
}

/** What the run is about to do, before its first step. */
export interface RunStartEvent extends StartEvent {
  /** Absolute path of the run's folder. */
  runDir: string;
  /** `fast`, `resnet20`… */
  model: string;
  epochs: number;
}

export type TrainEvent = RunStartEvent | StepEvent | EpochEvent | TestEvent;

export interface TrainResult {
  /** Absolute path of the checkpoint file. */
  checkpoint: string;
  /** Absolute path of the run's folder. */
  runDir: string;
  model: string;
  seed: number;
  epochs: number;
  steps: number;
  /** On the 10,000 test images (500 of the sample); fractions. `ttaAccuracy` is null at `training.tta_level` 0. */
  test: { accuracy: number; crossEntropy: number; ttaAccuracy: number | null };
  /** From the call to the end of the final test, verification of the dataset included. */
  durationSeconds: number;
  /** Batches, forward, backward and update. */
  trainSeconds: number;
  /** The final test, augmented views included. */
  testSeconds: number;
  /** Of training. */
  imagesPerSecond: number;
  config: Config;
}

const CHECKPOINT_NAME = 'checkpoint.safetensors';
const ABORTED = 'the training was stopped before its end; nothing was saved';

/**
 * Trains a model on a thread of its own and writes a checkpoint into a new run folder.
 * The dataset must be there: see `downloadDataset`.
 * Errors: `CONFIG_*`, `DATASET_*`, `LIBTORCH_*`, `ADDON_*`, `DEVICE_UNAVAILABLE`, `TRAINING_DIVERGED`, `DISK_FULL`,
 * `NOT_WRITABLE`, `OUT_OF_MEMORY`, `ABORTED`. A run that fails leaves no folder behind.
 */
export function train(options: TrainOptions = {}): TrainingRun<TrainResult, TrainEvent> {
  return new TrainingRun((emit) => runTraining(options, emit));
}

async function runTraining(options: TrainOptions, emit: (event: TrainEvent) => void): Promise<TrainResult> {
  const startedMs = performance.now();
  const { signal } = options;
  throwIfAborted(signal, ABORTED);
  const config = loadConfig(options);
  const native = loadNative();
  const { source, dataDir } = config.dataLoading;
  const files = await resolveDataset({ source, dataDir, signal });
  const folder = await RunFolder.create(config.outputDir);
  try {
    await folder.write('config.yaml', configToYaml(config));
    const epochs: EpochEvent[] = [];
    const onEvent = (event: StartEvent | StepEvent | EpochEvent | TestEvent) => {
      if (event.type === 'epoch') epochs.push(event);
      emit(event.type === 'start' ? describeRun(event, folder, config) : event);
    };
    const request = { config, trainFiles: files.train, testFiles: files.test, resume: null };
    const outcome = await runJob(() => native.train(request, onEvent), signal, ABORTED);
    if (outcome.isStopped) throw new AbortError(ABORTED, signal?.reason);
    const result = summarize(folder, config, outcome, (performance.now() - startedMs) / 1000);
    for (const { type: _, ...epoch } of epochs) await folder.append('metrics.jsonl', epoch);
    await folder.write('result.json', `${JSON.stringify(withoutConfig(result), null, 2)}\n`);
    // Last: a run folder with a checkpoint is a whole one.
    await saveOutcome(result, outcome);
    return result;
  } catch (error) {
    await folder.discard();
    throw error;
  }
}

function describeRun(event: StartEvent, folder: RunFolder, config: Config): RunStartEvent {
  return { ...event, runDir: folder.path, model: modelLabel(config.model), epochs: config.training.epochs };
}

async function saveOutcome({ checkpoint, config }: TrainResult, outcome: NativeTrainResult): Promise<void> {
  const { state, steps } = outcome;
  const { accuracy, crossEntropy, ttaAccuracy } = outcome.test;
  await saveCheckpoint(checkpoint, {
    tensors: new Map(state.map(({ name, ...tensor }) => [name, tensor satisfies TensorData])),
    config: configToSnake(config),
    classNames: CLASS_NAMES,
    normalization: config.dataLoading.normalization,
    metrics: { steps, test: { accuracy, crossEntropy, ttaAccuracy: ttaAccuracy ?? null } },
    versions: { 'cifar10-torch': VERSION, libtorch: loadNative().runtimeInfo().builtForLibtorch },
  });
}

function summarize(
  folder: RunFolder,
  config: Config,
  { test, steps, trainSeconds, testSeconds, imagesPerSecond }: NativeTrainResult,
  durationSeconds: number,
): TrainResult {
  return {
    checkpoint: folder.pathOf(CHECKPOINT_NAME),
    runDir: folder.path,
    model: modelLabel(config.model),
    seed: config.training.seed,
    epochs: config.training.epochs,
    steps,
    test: {
      accuracy: test.accuracy,
      crossEntropy: test.crossEntropy,
      ttaAccuracy: test.ttaAccuracy ?? null,
    },
    durationSeconds,
    trainSeconds,
    testSeconds,
    imagesPerSecond,
    config,
  };
}

/** config.yaml beside it says the same. */
function withoutConfig({ config: _, ...result }: TrainResult): Omit<TrainResult, 'config'> {
  return result;
}
