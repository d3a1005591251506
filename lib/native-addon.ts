// Owns the TypeScript view of what native/binding exports. Types only; lib/native.ts loads the real thing.
import type { TensorData, TensorLayout } from './checkpoint/index.js';
import type { Config } from './config/index.js';

/**
 * The dtype of activations: bfloat16 or float32. Weights are float32 with both.
 *
 * @category Training
 */
export type Precision = 'bf16' | 'fp32';

export type Device = 'cpu' | 'cuda';

/** A configuration that leaves nothing to the machine. */
export type NativeConfig = Config & {
  training: { device: Device; threads: number; precision: Precision; evalPrecision: Precision };
};

/**
 * Work on a native thread. `stop` ends it within one training step or batch: `result` then rejects with code
 * `ABORTED`; that of a training resolves to what it has come to.
 */
export interface NativeJob<Result> {
  result: Promise<Result>;
  stop(): void;
}

export interface NamedTensor extends TensorData {
  readonly name: string;
}

/**
 * What a training is about to do, as far as the native core knows it.
 *
 * @category Training
 */
export interface StartEvent {
  /** Tells the events apart. */
  type: 'start';
  /** Where it computes: `cpu`, `cuda:0`. */
  device: string;
  /** How many threads compute. */
  threads: number;
  /** Of activations in training: what `training.precision` came to on this machine. */
  precision: Precision;
  /** Images that are trained on; those held out do not count. */
  trainImages: number;
  /** Images that are held out for validation; 0 without. */
  valImages: number;
  /** Images of the test at the end. */
  testImages: number;
  /** Updates of one epoch. */
  stepsPerEpoch: number;
  /** Updates of the whole training; early stopping may leave some out. */
  steps: number;
  /** Completed before this start: 0, or the step that the training is resumed from. */
  step: number;
  /** Weights and biases; frozen ones count, running statistics do not. */
  parameterCount: number;
}

/**
 * An update of the weights is done.
 *
 * @category Training
 */
export interface StepEvent {
  /** Tells the events apart. */
  type: 'step';
  /** Updates done, this one among them: from 1, over all epochs. */
  step: number;
  /** From 1. */
  epoch: number;
  /** Of this batch, before the update: cross-entropy in nats, mean per image, with label smoothing. */
  loss: number;
  /** Of this batch: fraction in [0, 1]. Null where the labels are mixed (mixup, cutmix). */
  accuracy: number | null;
  /** Share of the peak learning rate. */
  lrFactor: number;
  /** The images of the batch over the time of this step. */
  imagesPerSecond: number;
}

/**
 * An epoch has ended, with its validation where it has one.
 *
 * @category Training
 */
export interface EpochEvent {
  /** Tells the events apart. */
  type: 'epoch';
  /** From 1. */
  epoch: number;
  /** Updates done since the training began. */
  step: number;
  /** Mean over the epoch's images, on augmented images, while the weights were changing: as in `StepEvent`. */
  loss: number;
  /** The same mean of accuracies. Null where the labels are mixed (mixup, cutmix). */
  accuracy: number | null;
  /** Training only, without the validation. */
  durationSeconds: number;
  /** On the images held out of train, with `data_loading.validation`; absent where this epoch has no validation. */
  val?: {
    /** Fraction in [0, 1]. */
    accuracy: number;
    /** Mean over the images, in nats, without label smoothing. */
    crossEntropy: number;
  };
}

/**
 * Progress of the test at the end.
 *
 * @category Training
 */
export interface TestEvent {
  /** Tells the events apart. */
  type: 'test';
  /** Images done; each counts once, whatever the number of its views. */
  done: number;
  /** Images in all. */
  total: number;
}

/** Figures over all images at once; fractions, but for the cross-entropy. docs/evaluation.md gives the formulas. */
export interface NativeMetrics {
  imageCount: number;
  accuracy: number;
  topKAccuracy: { 2: number; 3: number; 5: number };
  /** Mean over the images, in nats. */
  crossEntropy: number;
  /** 15 equal bins, L1. */
  expectedCalibrationError: number;
  /** Means over the classes that are a label or a prediction. */
  macroPrecision: number;
  macroRecall: number;
  macroF1: number;
  /** By label; 0 where the denominator is 0. */
  perClassPrecision: number[];
  perClassAccuracy: number[];
  perClassF1: number[];
  /** Row: true class; column: predicted class. */
  confusionMatrix: number[][];
}

/** Those with test-time augmentation are absent at level 0. */
export interface NativeEvaluation extends NativeMetrics {
  ttaAccuracy?: number;
  ttaCrossEntropy?: number;
  ttaExpectedCalibrationError?: number;
}

/** All that a stopped training needs to go on exactly as if it had not stopped; the data order follows from `step`. */
export interface TrainingState {
  /** Completed optimizer updates. */
  step: number;
  trainedImages: number;
  trainSeconds: number;
  /**
   * Sums over the images since the last epoch event. Where an epoch ends, `steps` above 0 means that its
   * validation and its event are still to come.
   */
  epochTotals: { steps: number; images: number; loss: number; accuracy: number; seconds: number };
  /** By `training.select`. */
  best: BestSoFar;
  /** By `training.early_stopping`. */
  stopping: BestSoFar;
  /** Only the test is still to come. */
  hasEndedEarly: boolean;
  model: NamedTensor[];
  /** Beside the model: `optimizer.momentum.conv1.weight`, `ema.…`, `lookahead.…`, `best.…`. */
  extra: NamedTensor[];
}

/** A state that `training.checkpoint` wants kept; the next one comes only when `kept` has been called. */
export interface StateEvent {
  type: 'state';
  state: TrainingState;
  kept: () => void;
}

/** The weights of a new best epoch, by `training.select`; likewise, beside a state. */
export interface BestEvent {
  type: 'best';
  /** From 1. */
  epoch: number;
  weights: NamedTensor[];
  kept: () => void;
}

/** What a training tells while it goes on. */
export type NativeTrainEvent = StartEvent | StepEvent | EpochEvent | TestEvent | StateEvent | BestEvent;

/** The best epoch by one figure. */
export interface BestSoFar {
  value: number | null;
  /** From 1; 0: none yet. */
  epoch: number;
  /** Looks at the figure since then: epochs, or validations. */
  staleLooks: number;
}

export interface NativeTrainResult {
  end: 'finished';
  test: NativeEvaluation;
  /** Fewer than planned where the training ended early. */
  steps: number;
  hasEndedEarly: boolean;
  /** Whose weights were tested and are in `state`; null: the last. */
  bestEpoch: number | null;
  /** With repetition: every batch of every epoch counts. */
  trainedImages: number;
  /** Of the parts before a stop too. */
  trainSeconds: number;
  testSeconds: number;
  imagesPerSecond: number;
  state: NamedTensor[];
}

/** A loss that was not finite. */
export interface NativeDivergence {
  end: 'diverged';
  error: Error & { code: string; nextStep: string };
  /** At the end of the last epoch that a finite loss came after; null if there is none. */
  progress: TrainingState | null;
}

/** The end of a training, or where `stop` found it. */
export type NativeTrainOutcome =
  | NativeTrainResult
  | { end: 'stopped'; progress: TrainingState }
  | NativeDivergence;

/** What one batch does to a model, in float32 on the CPU. */
export interface TrainingInspection {
  /** [B,10] of the first step, in training mode, before it. */
  logits: Float32Array;
  loss: number;
  /** Of the first step, before clipping. */
  gradients: NamedTensor[];
  /** Weights and buffers after all steps. */
  state: NamedTensor[];
  /** The moving average of the weights; empty without one. */
  averages: NamedTensor[];
}

export interface NativeTrainOptions {
  config: NativeConfig;
  trainFiles: readonly string[];
  testFiles: readonly string[];
  /** From a training of the same config and files; null: begin anew. Of another one: `CHECKPOINT_MISMATCH`. */
  resume: TrainingState | null;
}

export interface NativeClassification {
  /** float32 [N,10]. */
  probabilities: Float32Array;
  /** That it took on its thread. */
  seconds: number;
}

export interface NativePredictor {
  /** pixels: uint8 [N,32,32,3]. */
  classify(pixels: Uint8Array, ttaLevel: number): NativeJob<NativeClassification>;
  evaluate(
    files: readonly string[],
    ttaLevel: number,
    onEvent?: (event: TestEvent) => void,
  ): NativeJob<NativeEvaluation>;
  /** Gives back the model and its threads once the calls before have ended; another call after it fails. */
  close(): void;
}

export interface PredictorOptions {
  model: Config['model'];
  normalization: Config['dataLoading']['normalization'];
  device: Device;
  precision: Precision;
  threads: number;
  kernels: Config['training']['kernels'];
  maxWinogradTile: Config['training']['maxWinogradTile'];
  batchSize: number;
}

export interface NativeBatch {
  /** Normalized, [B,3,32,32]. */
  images: Float32Array;
  labels: number[];
  /** [B,10], the share of each class; null without mixup and CutMix. */
  targets: Float32Array | null;
}

/** One augmentation with its parameters: for each image where they are lists, else for all of them. */
export type Augmentation =
  | {
      operation: 'crop_and_flip';
      dy: readonly number[];
      dx: readonly number[];
      flip: readonly number[];
      translate: number;
      padding: 'reflect' | 'zero';
    }
  | {
      operation: 'adjust_color';
      brightness: number | null;
      contrast: number | null;
      saturation: number | null;
      hue: number | null;
    }
  /** boxes: (top, left, height, width) of each image, in one list. */
  | { operation: 'erase'; boxes: readonly number[] }
  | { operation: 'mix'; lambda: number; partner: readonly number[]; box: readonly number[] | null }
  /** One of native/core/data/policy_operations.h, in its own unit. */
  | { operation: PolicyOperation; magnitude: number };

export type PolicyOperation =
  | 'identity'
  | 'shear_x'
  | 'shear_y'
  | 'translate_x'
  | 'translate_y'
  | 'rotate'
  | 'brightness'
  | 'color'
  | 'contrast'
  | 'sharpness'
  | 'posterize'
  | 'solarize'
  | 'auto_contrast'
  | 'equalize';

export interface NativeBenchmarkOptions {
  config: Pick<NativeConfig, 'dataLoading' | 'model' | 'training'>;
  /** Of training, or batches of inference. */
  steps: number;
  /** Else: inference. */
  trains: boolean;
}

/**
 * Seconds of one step by phase; inference has no backward pass and no optimizer, which are then 0.
 *
 * @category Diagnostics
 */
export interface StepSeconds {
  /** Making the batch: augmentation and normalization. */
  augment: number;
  /** The forward pass, with the loss in training. */
  forward: number;
  /** The gradients. */
  backward: number;
  /** The update of the weights and of their averages. */
  optimizer: number;
}

export interface NativeBenchmark {
  /** `cpu`, `cuda:0` */
  device: string;
  threads: number;
  steps: StepSeconds[];
  /** FLOP/s of the fastest of LibTorch’s convolutions in the same arithmetic. */
  convolutionPeak: number;
}

/** One operator of native/core/kernels on its own; arrays are row-major, [B,C,H,W] and [out,in,3,3]. */
export type KernelRequest = {
  device: 'cpu';
  /** Of x, result and their gradients, which are rounded to it. */
  precision: Precision;
  threads: number;
  kernels: Config['training']['kernels'];
  maxWinogradTile: Config['training']['maxWinogradTile'];
  /** [B,C,H,W] of x. */
  shape: readonly number[];
  x: Float32Array;
} & (
  | {
      operation: 'conv3x3' | 'conv3x3_stride2' | 'conv3x3_max_pool';
      weight: Float32Array;
      out: number;
      /** Of the result. */
      gradient: Float32Array;
    }
  | {
      operation: 'conv3x3_with_shortcut';
      weight: Float32Array;
      out: number;
      gradient: Float32Array;
      /** Of x as the shortcut. */
      shortcutGradient: Float32Array;
    }
  | {
      operation: 'batch_norm_act';
      weight: Float32Array;
      bias: Float32Array;
      residual: Float32Array | null;
      activation: KernelActivation;
      gradient: Float32Array;
    }
  /** In evaluation mode; `norm`: weight, bias, mean and variance of each of the `out` channels, [4,out]. */
  | {
      operation: 'conv_norm' | 'conv_norm_max_pool';
      weight: Float32Array;
      out: number;
      norm: Float32Array;
      residual: Float32Array | null;
      activation: KernelActivation;
    }
);

export type KernelActivation = 'none' | 'relu' | 'gelu';

/**
 * Of an operator in training: its gradients. Of a batch norm: the running statistics too, and the result in evaluation
 * mode after them. Of a convolution with its norm: a second result, after the weights have been doubled in place, and
 * a third, after the means have, and a fourth, after a forward pass in training mode.
 */
export type KernelAnswer = Record<'result', Float32Array> &
  Partial<
    Record<
      | 'xGradient'
      | 'weightGradient'
      | 'residualGradient'
      | 'biasGradient'
      | 'runningMean'
      | 'runningVar'
      | 'evaluationResult'
      | 'withOtherWeights'
      | 'withOtherMeans'
      | 'afterTraining',
      Float32Array
    >
  >;

/** What native/binding/addon.cpp exports. */
export interface NativeAddon {
  train(
    options: NativeTrainOptions,
    onEvent: (event: NativeTrainEvent) => void,
  ): NativeJob<NativeTrainOutcome>;
  /** Times a model on synthetic images. */
  benchmark(options: NativeBenchmarkOptions): NativeJob<NativeBenchmark>;
  Predictor: new (options: PredictorOptions, state: readonly NamedTensor[]) => NativePredictor;
  /** Stops this thread's jobs and waits for them, one training step or batch at most. */
  stopJobs(): void;
  /** Ends the process at once, with all its threads: no `exit` listener, no destructor, nothing is flushed. */
  exitImmediately(code: number): never;
  /** Takes no memory for weights, however many there are. */
  describeModel(model: Config['model']): {
    parameterCount: number;
    tensors: ({ name: string } & TensorLayout)[];
  };
  /** Of the convolutions and linear layers, for one image; takes a forward pass. */
  countMultiplyAdds(model: Config['model']): number;
  /** Share of the peak lr at each step. */
  lrFactors(schedule: Config['training']['schedule'], totalSteps: number, stepsPerEpoch: number): number[];
  /** Trains with the same batch again and again, a step for each of `lrFactors`. Short-lived parameters live on. */
  inspectTraining(request: {
    config: Pick<NativeConfig, 'model' | 'training'>;
    state: readonly NamedTensor[];
    /** Normalized, [B,3,32,32]. */
    images: Float32Array;
    labels: readonly number[];
    /** [B,10], in place of the labels. */
    targets: Float32Array | null;
    lrFactors: readonly number[];
  }): TrainingInspection;
  trainBatch(request: {
    files: readonly string[];
    dataLoading: Config['dataLoading'];
    seed: number;
    epoch: number;
    index: number;
  }): NativeBatch;
  /** Rows held out, and the others; both ascending. */
  splitRows(request: { labels: readonly number[]; fraction: number; seed: number }): {
    train: number[];
    val: number[];
  };
  /**
   * The first images of the files, each as it is and then as it would be in the first epochs of a training on these
   * images alone, as one batch. pixels: uint8 [images, 1 + epochs, 32, 32, 3].
   */
  previewEpochs(request: {
    files: readonly string[];
    dataLoading: Config['dataLoading'];
    seed: number;
    images: number;
    epochs: number;
  }): { pixels: Uint8Array; labels: number[] };
  /** float32 [N,3,32,32], 0 to 255; of `adjust_color`: 0 to 1. */
  applyAugmentation(request: Augmentation & { images: Uint8Array }): Float32Array;
  /** float32 [operations,31], in the order of native/core/data/policy_operations.h. */
  policyMagnitudes(policy: 'rand_augment' | 'trivial_augment'): Float32Array;
  runKernel(request: KernelRequest): KernelAnswer;
  orthogonalize(matrix: NamedTensor, steps: number): Float32Array;
  /** logits: [N,10], row-major; labels: N of them, 0 to 9. */
  computeMetrics(logits: Float32Array, labels: readonly number[]): NativeMetrics;
  /** What two dropout layers of one model make of `size` ones. */
  dropOnes(request: {
    rate: number;
    isTraining: boolean;
    seed: number;
    counter: number;
    size: number;
  }): [Float32Array, Float32Array];
  /** Allocates tensors of these sizes, one after the other, each freed before the next: how many took new memory. */
  countMappings(bytes: readonly number[]): number;
  /**
   * `builtForLibtorch`: the version the addon was compiled against. `hasCuda`: whether LibTorch can use CUDA at all;
   * `cudaDeviceCount`: how many GPUs it finds.
   */
  runtimeInfo(): {
    builtForLibtorch: string;
    hasCuda: boolean;
    cudaDeviceCount: number;
    /** Whether the processor is one that this package has kernels of its own for. */
    canRunOwnKernels: Record<Precision, boolean>;
    /** Whether the processor has instructions for bfloat16; else they are emulated. */
    hasFastBf16: boolean;
    cpuCapability: string;
  };
}
