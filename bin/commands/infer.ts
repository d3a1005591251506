// Owns the command `infer`: its options; a folder of images in, one record a file out, to stdout or to a file.
import type { Shard } from '../../lib/index.js';
import { quoted } from '../../lib/printable.js';
import { defineCommand } from '../command.js';
import { CHECKPOINT_OPTION, integerInRange, MODEL_OPTIONS } from '../options.js';

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
    shard: {
      type: 'string',
      requiresArg: true,
      coerce: toShard,
      describe: 'Which part, such as 1/4: the first of four that as many machines classify',
      group: 'Input:',
    },
    'labels-from-folders': {
      type: 'boolean',
      describe: 'Take the name of each image’s folder for its true class, and measure',
      group: 'Input:',
    },
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
    resume: {
      type: 'boolean',
      implies: 'output',
      describe: 'Go on with the output of a run that was stopped, if there is one',
      group: 'Output:',
    },
    'sort-into': {
      type: 'string',
      requiresArg: true,
      describe: 'Folder to put each classified file into, below a folder for its class',
      group: 'Output:',
    },
    'sort-mode': {
      choices: ['copy', 'hardlink', 'symlink'],
      requiresArg: true,
      implies: 'sort-into',
      describe: 'How files are put there; default: copy',
      group: 'Output:',
    },
    ...MODEL_OPTIONS,
  },
  examples: [
    ['$0 infer --test_dir photos --checkpoint_name run/checkpoint.safetensors', 'A line for each image'],
    ['$0 infer --test-dir photos --checkpoint run/checkpoint.safetensors --output a.csv', 'Into a table'],
    ['$0 infer --test-dir photos --checkpoint run/checkpoint.safetensors --json', 'JSON lines'],
    [
      '$0 infer --test-dir photos --checkpoint run/checkpoint.safetensors --sort-into sorted',
      'Copies in sorted/cat, sorted/dog…',
    ],
  ],
  epilogue: 'Files that cannot be read are reported and skipped; the exit code is 1 then.',
  run: async (args, context) => {
    const { runInfer } = await import('../infer-run.js');
    const { testDir, checkpoint, topK, tta, device, dtype, threads, kernels, shard, sortInto } = args;
    const { output, resume = false, labelsFromFolders = false, sortMode: mode } = args;
    const options = {
      ...{ testDir, checkpoint, topK, tta, device, dtype, threads, kernels, shard, labelsFromFolders },
      sortInto: sortInto === undefined ? undefined : { folder: sortInto, mode },
    };
    await runInfer(options, output === undefined ? undefined : { path: output, resume }, context);
  },
});

/** `1/4`; what it throws becomes an error of usage. */
function toShard(text: string): Shard {
  const [, index, count] = /^(\d{1,7})\/(\d{1,7})$/.exec(text)?.map(Number) ?? [];
  if (index !== undefined && count !== undefined && index >= 1 && index <= count) return { index, count };
  throw new Error(`--shard: expected a part and their number, 1/4 to 4/4 of four, found ${quoted(text)}`);
}
