// Owns one run of the command `infer`: the library's records to the display and to the file, counted, from where an earlier run
// has stopped. Must not know the command line.
import { Cifar10Error, type InferOptions, type InferStart, infer } from '../lib/index.js';
import type { Context } from './command.js';
import { count } from './format.js';
import { printJson, printLine } from './output.js';
import { type Origin, PartialOutput } from './partial-output.js';
import { RecordCounts } from './record-counts.js';
import { RecordDisplay } from './record-display.js';
import { formatOfFile } from './record-file.js';
import { describeLabelled } from './reports.js';

interface OutputOptions {
  readonly path: string;
  /** Goes on with what is there. */
  readonly resume: boolean;
}

/** Errors: those of `infer`, `SOME_IMAGES_FAILED`, `USAGE`; with an output those of `PartialOutput`. */
export async function runInfer(
  options: InferOptions,
  wanted: OutputOptions | undefined,
  context: Context,
): Promise<void> {
  const output = wanted && (await openOutput(wanted, options));
  const display = new RecordDisplay(context, output !== undefined);
  const counts = new RecordCounts(output?.before);
  const onStart = async (start: InferStart) => {
    if (options.labelsFromFolders) counts.tallyLabels(start.classNames);
    display.start(start.fileCount, counts.records);
    await output?.begin(originOf(options, start), counts);
  };
  try {
    const { signal } = context;
    for await (const record of infer({ ...options, signal, skip: counts.records, onStart })) {
      counts.add(record);
      await output?.add(record);
      display.show(record);
    }
    await output?.publish();
  } catch (error) {
    const kept = (await output?.keep()) ?? 0;
    if (kept > 0) context.message(`${count(kept)} records are kept: the same command with --resume goes on`);
    throw error;
  }
  display.end(wanted?.path);
  report(counts, wanted !== undefined, context);
}

async function openOutput({ path, resume }: OutputOptions, options: InferOptions): Promise<PartialOutput> {
  return PartialOutput.open(path, formatOfFile(path, options.labelsFromFolders ?? false), resume);
}

/** Whatever makes the records differ; a file is known by what is in it, a folder by the names there. */
function originOf(options: InferOptions, { filesSha256, classifier }: InferStart): Origin {
  const { testDir, shard, topK, tta, kernels, labelsFromFolders, sortInto } = options;
  return {
    '--test-dir': testDir,
    'the files in it': filesSha256.slice(0, 12),
    '--checkpoint': classifier.version,
    '--shard': shard ? `${shard.index}/${shard.count}` : null,
    '--top-k': topK ?? null,
    '--tta': tta ?? 0,
    '--dtype': classifier.dtype,
    '--device': classifier.device,
    '--kernels': kernels ?? null,
    '--labels-from-folders': String(labelsFromFolders ?? false),
    '--sort-into': sortInto?.folder ?? null,
    '--sort-mode': sortInto?.mode ?? null,
  };
}

/** Figures of labelled images, and how many images failed, over all records: those of runs before, too. */
function report(counts: RecordCounts, isWritten: boolean, { isJson }: Context): void {
  const { records, failed } = counts.counts;
  const evaluation = counts.evaluate();
  if (evaluation && isJson) {
    const { classNames: _, ...figures } = evaluation;
    printJson({ evaluation: figures });
  } else if (evaluation) printLine(`${isWritten ? '' : '\n'}${describeLabelled(evaluation, failed)}`);
  if (failed === 0) return;
  throw new Cifar10Error('SOME_IMAGES_FAILED', {
    what: `${failed} of ${records} images could not be classified`,
    nextStep: 'mend or remove the files named above',
  });
}
