// Owns the list of what the checkpoint layer offers. Exports only.
export {
  type Checkpoint,
  type CheckpointHead,
  readCheckpoint,
  readWeights,
  saveCheckpoint,
} from './checkpoint.js';
export { assertTensorsMatch } from './match.js';
export type { CheckpointMeta } from './meta.js';
export type { TrainingProgress } from './progress.js';
export { encodeSafetensors } from './safetensors-encode.js';
export type { Dtype, TensorData, TensorLayout } from './tensor.js';
