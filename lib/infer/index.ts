// Lists what lib/infer offers to its siblings. Must hold no code.
export { ConfusionTally, type LabelledEvaluation } from './confusion-tally.js';
export { type InferFailure, type InferOptions, type InferRecord, type InferStart, infer } from './infer.js';
export type { Shard } from './shard.js';
export type { SortInto } from './sorted-folder.js';
