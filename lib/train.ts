// Owns a training from its plan to its checkpoint: verify the data, run natively, record, save.
// Must not print; what happens is told by events.

import { throwIfAborted } from './abort-signal.js';
import { type Config, modelLabel } from './config/index.js';
import { resolveDataset } from './dataset/index.js';
import { AbortError, Cifar10Error, errorMessage } from './errors.js';
import { loadNative } from './native.js';
import type {
  BestEvent,
  EpochEvent,
  NativeConfig,
  NativeDivergence,
  NativeTrainEvent,
  NativeTrainOptions,
  NativeTrainOutcome,
  NativeTrainResult,
  StartEvent,
  StepEvent,
  TestEvent,
  TrainingState,
} from './native-addon.js';
import { fromNative, Listener } from './native-job.js';
import { peakMemoryBytes } from './peak-memory.js';
import { RunCheckpoints } from './run-checkpoints.js';
import { CHECKPOINT_FILE, LAST_FILE, type RunFolder, type RunRecorder } from './runs/index.js';
import { settle } from './settle.js';
import { type Kept, StateKeeper } from './state-keeper.js';
import { type PlanOptions, planTraining, type TrainingPlan } from './training-plan.js';
import { TrainingRun } from './training-run.js';

/**
 * The configuration of a new run, or the run to go on with.
 *
 * @category Training
 */
export interface TrainOptions extends PlanOptions {
  /** Stops the run within one step and saves its state; the run then rejects with a `TrainingStopped`. */
  signal?: AbortSignal | undefined;
  /** Called once, with the configuration, checked: the place to download a dataset. */
  prepare?: ((config: Config) => Promise<void>) | undefined;
}

/**
 * What the run is about to do, before its first step.
 *
 * @category Training
 */
export interface RunStartEvent extends StartEvent {
  /** Absolute path of the run's folder. */
  runDir: string;
  /** The name that the model has in tables: `fast`, `resnet20`… */
  model: string;
  /** Passes over the train images; may be a fraction. */
  epochs: number;
}

/**
 * A file that is kept while the training goes on, by `training.checkpoint` and `training.select`.
 *
 * @category Training
 */
export interface KeptEvent {
  /** Tells the events apart. */
  type: 'kept';
  /** Absolute path: `last.safetensors` with the whole state, or `best.safetensors` with the weights of the best epoch. */
  path: string;
  /** Of the state; null for the best weights. */
  step: number | null;
  /** Why it could not be written; the file that was there is whole. Null: it was. */
  error: Cifar10Error | null;
}

/**
 * What a training tells while it goes on, told apart by `type`.
 *
 * @category Training
 */
export type TrainEvent = RunStartEvent | StepEvent | EpochEvent | TestEvent | KeptEvent;

/**
 * What a training has come to.
 *
 * @category Training
 */
export interface TrainResult {
  /** Absolute path of the checkpoint file. */
  checkpoint: string;
  /** Absolute path of the run's folder. */
  runDir: string;
  /** The name that the model has in tables: `fast`, `resnet20`… */
  model: string;
  /** The setting, `training.seed`. */
  seed: number;
  /** The setting, `training.epochs`, whether the training ended early or not. */
  epochs: number;
  /** Updates done: fewer than planned where the training ended early. */
  steps: number;
  /** Whether `training.early_stopping` ended it. */
  hasEndedEarly: boolean;
  /**
   * The epoch that `training.select` picked, from 1: its weights were tested and saved. Null: those of the last
   * epoch.
   */
  bestEpoch: number | null;
  /** On the 10,000 test images (500 of the sample). */
  test: {
    /** Fraction in [0, 1], without augmentation. */
    accuracy: number;
    /** Mean over the images, in nats, without label smoothing. */
    crossEntropy: number;
    /** The accuracy with test-time augmentation; null at `training.tta_level` 0. */
    ttaAccuracy: number | null;
  };
  /** On the images held out of train, after the last epoch that was validated, or the best one; null without `data_loading.validation`. */
  val: {
    /** Fraction in [0, 1]. */
    accuracy: number;
    /** As in `test`. */
    crossEntropy: number;
  } | null;
  /**
   * From the call to the end of the final test, verification of the dataset included; of a run that went on, all its
   * parts together.
   */
  durationSeconds: number;
  /** Batches, forward, backward and update. */
  trainSeconds: number;
  /** The final test, augmented views included. */
  testSeconds: number;
  /** Images trained on, each as often as it was, over `trainSeconds`. */
  imagesPerSecond: number;
  /** Resident memory of this process, at its highest so far. */
  peakMemoryBytes: number;
  /** What was trained, resolved. */
  config: Config;
}

/**
 * Rejection of a training that its signal stopped after at least one step: nothing is lost.
 *
 * @category Errors
 */
export class TrainingStopped extends AbortError {
  override name = 'TrainingStopped';

  /** @internal */
  constructor(
    /** Absolute path of the run's folder: give it to `resume`. */
    readonly runDir: string,
    /** Absolute path of the checkpoint with the state of the training. */
    readonly checkpoint: string,
    /** Updates done, of `steps`. */
    readonly step: number,
    /** Updates of the whole training. */
    readonly steps: number,
    reason: unknown,
  ) {
    super(
      `the training was stopped after step ${step} of ${steps}; its state is in "${checkpoint}"`,
      reason,
      `go on with \`npx cifar10-torch train --resume ${runDir}\``,
    );
  }
}

const NOTHING_SAVED = 'the training was stopped before its first step; there is nothing to save';

/**
 * Trains a model on a thread of its own and writes a checkpoint into a run folder.
 * The dataset must be there: see `downloadDataset`. Await the run for the result, iterate it for the events.
 * Errors: `CONFIG_*`, `RUN_*`, `DATASET_*`, `LIBTORCH_*`, `ADDON_*`, `DEVICE_UNAVAILABLE`, `TRAINING_DIVERGED`,
 * `DISK_FULL`, `NOT_WRITABLE`, `OUT_OF_MEMORY`, `CHECKPOINT_*` on resuming, `ABORTED`. A run that fails before it has
 * a state or its first epoch has ended leaves no folder behind.
 *
 * @category Training
 */
export function train(options: TrainOptions = {}): TrainingRun<TrainResult, TrainEvent> {
  return trainByPlan(() => planTraining(options), options);
}

/** The same by a plan that is already made. */
export function trainByPlan(
  makePlan: () => Promise<TrainingPlan>,
  options: Pick<TrainOptions, 'signal' | 'prepare'>,
): TrainingRun<TrainResult, TrainEvent> {
  return new TrainingRun((emit) => runTraining(makePlan, options, emit));
}

async function runTraining(
  makePlan: () => Promise<TrainingPlan>,
  { signal, prepare }: Pick<TrainOptions, 'signal' | 'prepare'>,
  emit: (event: TrainEvent) => void,
): Promise<TrainResult> {
  const startedMs = performance.now();
  throwIfAborted(signal, NOTHING_SAVED);
  const plan = await makePlan();
  await prepare?.(plan.config);
  const { source, dataDir } = plan.config.dataLoading;
  loadNative(); // before the folder is made: a missing addon leaves nothing
  const files = await resolveDataset({ source, dataDir, signal });
  const inputs = { trainFiles: files.train, testFiles: files.test };
  if (plan.state !== null) await assertGoesOn({ config: settle(plan.config), ...inputs, resume: plan.state });
  throwIfAborted(signal, 'the training was stopped before it began; nothing is changed');
  const { folder, recorder } = await plan.openRun();
  const run = new Run(plan, folder, recorder, startedMs);
  try {
    const outcome = await run.execute(inputs, signal, emit);
    if (outcome.end === 'finished') return await run.finish(outcome);
    if (outcome.end === 'stopped') throw await run.stop(outcome.progress, signal);
    throw await run.diverge(outcome);
  } catch (error) {
    if (!run.isRecorded) await run.fail(error);
    throw error;
  }
}

/**
 * Native code has the last word on whether a state fits the settings and the dataset, and must have it before anything of
 * the run is changed: this training is stopped before its first step.
 */
async function assertGoesOn(options: NativeTrainOptions): Promise<void> {
  try {
    const job = loadNative().train(options, () => {});
    job.stop();
    await job.result;
  } catch (error) {
    throw fromNative(error);
  }
}

/** One run from its first event to its end. */
class Run {
  readonly #config: NativeConfig;
  readonly #plan: TrainingPlan;
  readonly #folder: RunFolder;
  readonly #recorder: RunRecorder;
  readonly #startedMs: number;
  readonly #keeper: StateKeeper;
  readonly #checkpoints: RunCheckpoints;
  #steps = 0;
  #isRecorded = false;

  constructor(plan: TrainingPlan, folder: RunFolder, recorder: RunRecorder, startedMs: number) {
    this.#config = settle(plan.config);
    this.#plan = plan;
    this.#folder = folder;
    this.#recorder = recorder;
    this.#startedMs = startedMs;
    const { keep } = plan.config.training.checkpoint;
    this.#checkpoints = new RunCheckpoints(folder, plan.config);
    const savers = {
      saveState: (state: TrainingState) => this.#checkpoints.saveState(state),
      saveBest: (best: BestEvent) => this.#checkpoints.saveBest(best, recorder.valAfter(best.epoch)),
    };
    const states = { keep, lastStep: plan.lastStep };
    this.#keeper = new StateKeeper(folder, states, savers);
  }

  /** Runs natively. A record that cannot be written stops the run, too. */
  async execute(
    files: Pick<NativeTrainOptions, 'trainFiles' | 'testFiles'>,
    signal: AbortSignal | undefined,
    emit: (event: TrainEvent) => void,
  ): Promise<NativeTrainOutcome> {
    const onKept = (kept: Kept) => {
      try {
        this.#tellKept(kept, emit);
      } catch (error) {
        listener.fail(error);
      }
    };
    const listener = new Listener((event: NativeTrainEvent) => {
      if (event.type === 'state' || event.type === 'best') return this.#keeper.take(event, onKept);
      if (event.type === 'start') this.#steps = event.steps;
      this.#recorder.add(event);
      emit(event.type === 'start' ? this.#describe(event) : event);
    }, signal);
    const options = { config: this.#config, ...files, resume: this.#plan.state };
    try {
      return await listener.settle(runToStop(options, (event) => listener.call(event), listener.signal));
    } finally {
      await this.#keeper.settle();
    }
  }

  /** Errors: what is to stop the training. */
  #tellKept({ name, step, error }: Kept, emit: (event: TrainEvent) => void): void {
    const path = this.#folder.pathOf(name);
    if (error === null) {
      if (step !== null) this.#recorder.noteState(step, name);
      emit({ type: 'kept', path, step, error });
      return;
    }
    const failure = asCifar10Error(error);
    this.#recorder.log(`${failure.code}: ${failure.message}`);
    emit({ type: 'kept', path, step, error: failure });
    if (this.#config.training.checkpoint.onError === 'stop') throw failure;
  }

  async finish(outcome: NativeTrainResult): Promise<TrainResult> {
    const result = this.#summarize(outcome);
    const { accuracy, crossEntropy, ttaAccuracy } = result.test;
    await this.#checkpoints.saveFinal(outcome.state, {
      steps: outcome.steps,
      test: { accuracy, crossEntropy, ttaAccuracy },
    });
    const { durationSeconds, trainSeconds, testSeconds, imagesPerSecond, test, val, steps } = result;
    const { hasEndedEarly, bestEpoch, peakMemoryBytes } = result;
    const times = { durationSeconds, trainSeconds, testSeconds, imagesPerSecond };
    const figures = { ...times, peakMemoryBytes, test, val, step: steps, hasEndedEarly, bestEpoch };
    await this.#end('finished', { ...figures, checkpoint: CHECKPOINT_FILE });
    await this.#keeper.removeLast();
    return result;
  }

  /** Saves the state; the error to reject with. */
  async stop(state: TrainingState, signal: AbortSignal | undefined): Promise<AbortError> {
    const { step } = state;
    if (step === 0) return new AbortError(NOTHING_SAVED, signal?.reason);
    await this.#keeper.saveLast(state);
    await this.#end('stopped', { ...this.#figuresAt(state), checkpoint: LAST_FILE });
    const checkpoint = this.#folder.pathOf(LAST_FILE);
    return new TrainingStopped(this.#folder.path, checkpoint, step, this.#steps, signal?.reason);
  }

  /** Keeps the last state that was good, where there is one; the error to reject with. */
  async diverge({ error, progress }: NativeDivergence): Promise<unknown> {
    if (progress === null) return fromNative(error);
    const kept = `what was good, after step ${progress.step}, is in "${this.#folder.pathOf(LAST_FILE)}"`;
    const failure = fromNative(error, `${error.message}; ${kept}`);
    await this.#keeper.saveLast(progress);
    const { code, message } = failure;
    const end = { checkpoint: LAST_FILE, error: { code, message } };
    await this.#end('failed', { ...this.#figuresAt(progress), ...end });
    return failure;
  }

  /** Keeps the records of a run that has shown something; one with a state can still go on from that. */
  async fail(error: unknown): Promise<void> {
    const canGoOn = this.#plan.state !== null || this.#keeper.hasState;
    await this.#recorder.settle();
    if (!canGoOn && !this.#recorder.hasEpochs) return this.#folder.discard();
    const code = error instanceof Cifar10Error ? error.code : 'INTERNAL';
    const failure = { error: { code, message: errorMessage(error) } };
    // The error to report is the first one, not that its report cannot be written.
    await (canGoOn
      ? this.#recorder.end('stopped', { ...failure, checkpoint: LAST_FILE })
      : this.#recorder.end('failed', { ...failure, durationSeconds: this.#seconds() })
    ).catch(() => undefined);
  }

  /** Whether the record of the run tells its end. */
  get isRecorded(): boolean {
    return this.#isRecorded;
  }

  async #end(...end: Parameters<RunRecorder['end']>): Promise<void> {
    await this.#recorder.end(...end);
    this.#isRecorded = true;
  }

  /** What the record tells of a training that ended in this state. */
  #figuresAt({ step, trainSeconds, trainedImages }: TrainingState) {
    const imagesPerSecond = trainedImages / trainSeconds;
    const times = { durationSeconds: this.#seconds(), trainSeconds, imagesPerSecond };
    return { step, ...times, peakMemoryBytes: peakMemoryBytes() };
  }

  #seconds(): number {
    return this.#plan.earlierSeconds + (performance.now() - this.#startedMs) / 1000;
  }

  #describe(event: StartEvent): RunStartEvent {
    const { model, training } = this.#config;
    return { ...event, runDir: this.#folder.path, model: modelLabel(model), epochs: training.epochs };
  }

  #summarize(outcome: NativeTrainResult): TrainResult {
    const { steps, hasEndedEarly, bestEpoch, trainSeconds, testSeconds, imagesPerSecond } = outcome;
    const { accuracy, crossEntropy, ttaAccuracy = null } = outcome.test;
    return {
      checkpoint: this.#folder.pathOf(CHECKPOINT_FILE),
      runDir: this.#folder.path,
      model: modelLabel(this.#config.model),
      seed: this.#config.training.seed,
      epochs: this.#config.training.epochs,
      steps,
      hasEndedEarly,
      bestEpoch,
      test: { accuracy, crossEntropy, ttaAccuracy },
      val: this.#recorder.valAfter(bestEpoch),
      durationSeconds: this.#seconds(),
      trainSeconds,
      testSeconds,
      imagesPerSecond,
      peakMemoryBytes: peakMemoryBytes(),
      config: this.#plan.config,
    };
  }
}

function asCifar10Error(error: unknown): Cifar10Error {
  if (error instanceof Cifar10Error) return error;
  return new Cifar10Error('INTERNAL', { what: errorMessage(error), cause: error });
}

/** Unlike other native work a training that is stopped has an outcome: where it stands. */
async function runToStop(
  options: NativeTrainOptions,
  onEvent: (event: NativeTrainEvent) => void,
  signal: AbortSignal,
): Promise<NativeTrainOutcome> {
  throwIfAborted(signal, NOTHING_SAVED);
  try {
    const job = loadNative().train(options, onEvent);
    const stop = () => job.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await job.result;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  } catch (error) {
    throw fromNative(error);
  }
}
