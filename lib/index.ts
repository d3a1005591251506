// Owns the list of what this package offers. Exports only.
export { type BenchOptions, type BenchResult, bench } from './bench.js';
export type { Dtype, TensorLayout } from './checkpoint/index.js';
export {
  type BatchInfo,
  Classifier,
  type ClassifierInfo,
  type ClassifierOptions,
  type ClassifyOptions,
  type ClassProbability,
  type Prediction,
} from './classifier/index.js';
export {
  type ComposedConfig,
  type Config,
  type ConfigDefinition,
  completeOverride,
  composeConfig,
  configToYaml,
  type Defaults,
  type DocumentedKey,
  defineConfig,
  documentKeys,
  type KeyInfo,
  type KnownOptions,
  type LoadConfigOptions,
  listGroups,
  listOptions,
  loadConfig,
  type Tree,
  treeToYaml,
} from './config/index.js';
export {
  CLASS_NAMES,
  type DatasetFiles,
  type DatasetProgress,
  type DownloadDatasetOptions,
  type DownloadedDataset,
  downloadDataset,
} from './dataset/index.js';
export { type DoctorCheck, type DoctorOptions, type DoctorReport, doctor } from './doctor/index.js';
export { AbortError, Cifar10Error, type ErrorCode } from './errors.js';
export { type EvaluateOptions, type EvaluateResult, evaluate } from './evaluate.js';
export type { ImageInput, RawImage } from './images/index.js';
export { type ImportedWeights, type ImportWeightsOptions, importWeights } from './import-weights.js';
export {
  ConfusionTally,
  type InferFailure,
  type InferOptions,
  type InferRecord,
  type InferStart,
  infer,
  type LabelledEvaluation,
  type Shard,
  type SortInto,
} from './infer/index.js';
export {
  type InstallOptions,
  type InstallProgress,
  installLibtorch,
  type LocatedLibtorch,
  type TorchVersion,
  type VariantChoice,
} from './libtorch/index.js';
export type { RuntimeOptions } from './model.js';
export type { PublishedAccuracy } from './model-catalog.js';
export {
  describeModel,
  type ListModelsOptions,
  listModels,
  type ModelDescription,
  type ModelInfo,
} from './model-list.js';
export { exitImmediately } from './native.js';
export type { EpochEvent, Precision, StartEvent, StepEvent, StepSeconds, TestEvent } from './native-addon.js';
export { type PredictOptions, predict } from './predict.js';
export { type PreviewOptions, type PreviewResult, preview } from './preview.js';
export {
  compareRuns,
  type Difference,
  findRun,
  listRuns,
  type RunComparison,
  type RunInfo,
  type RunRecord,
  type RunStatus,
} from './runs/index.js';
export { planSchedule, type SchedulePlan } from './schedule.js';
export { type ClassifierServer, type LogStream, type ServeOptions, serve } from './serve/index.js';
export {
  SweepError,
  type SweepEvent,
  type SweepJobEndEvent,
  type SweepJobEvent,
  type SweepOptions,
  type SweepResult,
  sweep,
} from './sweep.js';
export { rankJobs, type SweepJob, type SweepMetric } from './sweep-summary.js';
export {
  type KeptEvent,
  type RunStartEvent,
  type TrainEvent,
  TrainingStopped,
  type TrainOptions,
  type TrainResult,
  train,
} from './train.js';
export type { PlanOptions } from './training-plan.js';
export type { TrainingRun } from './training-run.js';
export { VERSION } from './version.js';
export { type Versions, versions } from './versions.js';
