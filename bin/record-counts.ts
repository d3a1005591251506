// Owns what `infer` counts while records come, and takes up again where an earlier process has stopped.
import { ConfusionTally, type InferRecord, type LabelledEvaluation } from '../lib/index.js';

/** What has been counted, as JSON can hold it. */
export interface Counts {
  readonly records: number;
  /** Those of images that could not be classified. */
  readonly failed: number;
  /** [classes][classes], of images with true labels; null without. */
  readonly confusion: number[][] | null;
}

export const NOTHING: Counts = { records: 0, failed: 0, confusion: null };

export class RecordCounts {
  readonly #before: Counts;
  #records: number;
  #failed: number;
  #tally: ConfusionTally | undefined;

  /** Goes on from there. */
  constructor(before: Counts = NOTHING) {
    this.#before = before;
    this.#records = before.records;
    this.#failed = before.failed;
  }

  /** Counts true labels from now on. */
  tallyLabels(classNames: readonly string[]): void {
    this.#tally = new ConfusionTally(classNames, this.#before.confusion ?? undefined);
  }

  add(record: InferRecord): void {
    this.#records++;
    if ('error' in record) this.#failed++;
    this.#tally?.add(record);
  }

  get records(): number {
    return this.#records;
  }

  get counts(): Counts {
    return { records: this.#records, failed: this.#failed, confusion: this.#tally?.matrix ?? null };
  }

  /** Undefined without true labels. */
  evaluate(): LabelledEvaluation | undefined {
    return this.#tally?.evaluate();
  }
}
