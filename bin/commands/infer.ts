// Owns the command `infer`: a folder of images in, one record a file out, to stdout or to a file.
import type { InferRecord } from '../../lib/index.js';
import { escapeLine } from '../../lib/printable.js';
import { AmountProgress, IMAGES } from '../amount-progress.js';
import { type Context, defineCommand } from '../command.js';
import { percent } from '../format.js';
import { CHECKPOINT_OPTION, integerInRange, MODEL_OPTIONS } from '../options.js';
import { printJson, printLine } from '../output.js';
import { formatOfFile, writeRecords } from '../record-file.js';

export const inferCommand = defineCommand({
  command: 'infer',
  describe: 'Classify the images of a folder',
  options: {
    'test-dir': {
      type: 'string',
      alias: 'test_dir',
      requiresArg: true,
      demandOption: true,
      describe: 'Folder with JPEG, PNG or WebP images, in it or in folders below',
      group: 'Input:',
    },
    ...CHECKPOINT_OPTION,
    'top-k': {
      type: 'number',
      alias: 'top_k',
      requiresArg: true,
      coerce: (value: number) => integerInRange('--top-k', value, 1, 10),
      describe: 'How many classes to list for an image, with --json or in a .jsonl file; default: 3',
      group: 'Output:',
    },
    output: {
      type: 'string',
      requiresArg: true,
      describe: 'File to write the records to, .jsonl or .csv; default: they are printed',
      group: 'Output:',
    },
    ...MODEL_OPTIONS,
  },
  examples: [
    ['$0 infer --test_dir photos --checkpoint_name run/checkpoint.safetensors', 'A line for each image'],
    ['$0 infer --test-dir photos --checkpoint run/checkpoint.safetensors --output a.csv', 'Into a table'],
    ['$0 infer --test-dir photos --checkpoint run/checkpoint.safetensors --json', 'JSON lines'],
  ],
  epilogue: 'Files that cannot be read are reported and skipped; the exit code is 1 then.',
  run: async (args, context) => {
    const { Cifar10Error, infer } = await import('../../lib/index.js');
    const { testDir, checkpoint, topK, tta, output, device, dtype, threads, kernels } = args;
    const format = output === undefined ? undefined : formatOfFile(output);
    const display = new RecordDisplay(context, output !== undefined);
    const records: InferRecord[] = [];
    const runtime = { device, dtype, threads, kernels, signal: context.signal };
    const onStart = (total: number) => display.start(total);
    for await (const record of infer({ testDir, checkpoint, topK, tta, ...runtime, onStart })) {
      display.show(record);
      records.push(record);
    }
    if (output !== undefined && format !== undefined) await writeRecords(output, format, records);
    display.end(output);
    const failed = records.filter((record) => 'error' in record).length;
    if (failed > 0)
      throw new Cifar10Error('SOME_IMAGES_FAILED', {
        what: `${failed} of ${records.length} images could not be classified`,
        nextStep: 'mend or remove the files named above',
      });
  },
});

const WIDTH_STEP = 8;

/** Shows records as they come: on stdout, unless they go to a file, with progress where they are not seen. */
class RecordDisplay {
  readonly #context: Context;
  readonly #isWritten: boolean;
  readonly #progress: AmountProgress | undefined;
  #total = 0;
  #done = 0;
  #fileWidth = 0;

  constructor(context: Context, isWritten: boolean) {
    this.#context = context;
    this.#isWritten = isWritten;
    const isSeen = process.stdout.isTTY && (context.isJson || !isWritten);
    this.#progress = isSeen ? undefined : new AmountProgress(context.progress, IMAGES);
  }

  start(total: number): void {
    this.#total = total;
    this.#progress?.show('infer', 0, total);
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
