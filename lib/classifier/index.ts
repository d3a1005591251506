// Lists what lib/classifier offers to its siblings. Must hold no code.
export type { BatchInfo } from './batcher.js';
export {
  Classifier,
  type ClassifierInfo,
  type ClassifierOptions,
  type ClassifyOptions,
} from './classifier.js';
export { type ClassProbability, type Prediction, rank } from './prediction.js';
