// Owns how the records of `infer` are shown as they come: on stdout, unless they go to a file, with progress where they are not seen.
import type { InferRecord } from '../lib/index.js';
import { escapeLine } from '../lib/printable.js';
import { AmountProgress, IMAGES } from './amount-progress.js';
import type { Context } from './command.js';
import { percent } from './format.js';
import { printJson, printLine } from './output.js';

const WIDTH_STEP = 8;

export class RecordDisplay {
  readonly #context: Context;
  readonly #isWritten: boolean;
  readonly #progress: AmountProgress | undefined;
  #total = 0;
  #done = 0;
  #fileWidth = 0;

  /** `isWritten`: to a file. */
  constructor(context: Context, isWritten: boolean) {
    this.#context = context;
    this.#isWritten = isWritten;
    const isSeen = process.stdout.isTTY && (context.isJson || !isWritten);
    this.#progress = isSeen ? undefined : new AmountProgress(context.progress, IMAGES);
  }

  /** `done`: of the total, before. */
  start(total: number, done: number): void {
    this.#total = total;
    this.#done = done;
    this.#progress?.show('infer', done, total);
  }

  show(record: InferRecord): void {
    if ('error' in record)
      this.#context.progress.print(escapeLine(`skipped ${record.error.code}: ${record.error.message}`));
    if (this.#context.isJson) printJson(record);
    else if (!this.#isWritten && !('error' in record)) printLine(this.#describe(record));
    this.#progress?.show('infer', ++this.#done, this.#total);
  }

  end(output: string | undefined): void {
    this.#context.progress.close();
    if (output !== undefined) this.#context.message(`${this.#done} records written to ${output}`);
  }

  /** Aligned as far as the files seen so far tell; wider in steps, so that it changes seldom. */
  #describe({ file: name, label, probability }: Extract<InferRecord, { label: string }>): string {
    const file = escapeLine(name); // exact names are in the records that --json and --output give
    this.#fileWidth = Math.max(this.#fileWidth, WIDTH_STEP * Math.ceil(file.length / WIDTH_STEP));
    return `${file.padEnd(this.#fileWidth)}  ${label.padEnd(10)}  ${percent(probability, 1).padStart(7)}`;
  }
}
