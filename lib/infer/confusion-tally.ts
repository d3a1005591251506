// Owns the figures of images whose true classes are known, counted one by one. Pure. docs/evaluation.md gives the formulas.
import { Cifar10Error } from '../errors.js';
import type { EvaluateResult } from '../evaluate.js';
import type { InferRecord } from './infer.js';

/**
 * What classified images with true labels come to; each figure as in `EvaluateResult`.
 *
 * @category Inference
 */
export type LabelledEvaluation = Pick<
  EvaluateResult,
  | 'imageCount'
  | 'accuracy'
  | 'macroPrecision'
  | 'macroRecall'
  | 'macroF1'
  | 'perClassPrecision'
  | 'perClassAccuracy'
  | 'perClassF1'
  | 'confusionMatrix'
  | 'classNames'
>;

/**
 * Counts the records of `infer` with `labelsFromFolders`, in memory that does not grow with their number.
 *
 * @category Inference
 */
export class ConfusionTally {
  readonly #classNames: readonly string[];
  readonly #matrix: number[][];

  /**
   * `matrix`: [classes][classes], what had been counted before; row is the true class, column the predicted one.
   * Errors: `INVALID_ARGUMENT` for one of another shape.
   */
  constructor(classNames: readonly string[], matrix?: readonly (readonly number[])[]) {
    this.#classNames = classNames;
    this.#matrix = classNames.map((_, row) => classNames.map((_, column) => matrix?.[row]?.[column] ?? 0));
    if (matrix !== undefined) assertShape(matrix, classNames.length);
  }

  /** Passes over an image that could not be classified, and over one without a true label. */
  add(record: InferRecord): void {
    if ('error' in record || record.trueLabel === undefined) return;
    const row = this.#matrix[this.#classNames.indexOf(record.trueLabel)];
    const column = this.#classNames.indexOf(record.label);
    if (row?.[column] !== undefined) row[column]++;
  }

  /** [classes][classes]: row is the true class, column the predicted one. */
  get matrix(): number[][] {
    return this.#matrix.map((row) => [...row]);
  }

  /** The figures of what has been counted so far. Of no images they are 0. */
  evaluate(): LabelledEvaluation {
    const classes = this.#classNames.map((name, label) => ({ name, ...classFigures(this.#matrix, label) }));
    const counted = classes.filter(({ isCounted }) => isCounted);
    const mean = (of: (each: ClassFigures) => number) => ratio(sum(counted.map(of)), counted.length);
    const byName = (of: (each: ClassFigures) => number) =>
      Object.fromEntries(classes.map((each) => [each.name, of(each)]));
    const imageCount = sum(this.#matrix.map(sum));
    return {
      imageCount,
      accuracy: ratio(sum(this.#matrix.map((row, label) => row[label] as number)), imageCount),
      macroPrecision: mean(({ precision }) => precision),
      macroRecall: mean(({ recall }) => recall),
      macroF1: mean(({ f1 }) => f1),
      perClassPrecision: byName(({ precision }) => precision),
      perClassAccuracy: byName(({ recall }) => recall),
      perClassF1: byName(({ f1 }) => f1),
      confusionMatrix: this.matrix,
      classNames: this.#classNames,
    };
  }
}

interface ClassFigures {
  precision: number;
  recall: number;
  f1: number;
  /** Is a label or a prediction of some image. */
  isCounted: boolean;
}

function classFigures(matrix: readonly (readonly number[])[], label: number): ClassFigures {
  const hits = matrix[label]?.[label] as number;
  const labels = sum(matrix[label] as number[]);
  const predictions = sum(matrix.map((row) => row[label] as number));
  return {
    precision: ratio(hits, predictions),
    recall: ratio(hits, labels),
    f1: ratio(2 * hits, labels + predictions),
    isCounted: labels + predictions > 0,
  };
}

/** 0 where there is nothing to divide by. */
function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function assertShape(matrix: readonly (readonly number[])[], classes: number): void {
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;
  const isRight = (row: readonly number[]) => row.length === classes && row.every(isCount);
  if (matrix.length === classes && matrix.every(isRight)) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'the confusion matrix to begin with is of another shape',
    expected: `${classes} rows of ${classes} counts`,
    nextStep: 'give that of a tally of the same classes, or none',
  });
}
