// Owns the command `train`: options to the library's `train`, its events to the progress display.
import { AmountProgress, MEGABYTES } from '../amount-progress.js';
import { type Context, defineCommand } from '../command.js';
import { describeTraining } from '../reports.js';
import { TrainingProgress } from '../training-progress.js';

export const trainCommand = defineCommand({
  command: 'train [overrides..]',
  describe: 'Train a model and write its checkpoint',
  positionals: {
    overrides: {
      type: 'string',
      array: true,
      describe: 'Configuration: key=value (training.epochs=2) or group=option (model=resnet20)',
    },
  },
  options: {
    config: {
      type: 'string',
      requiresArg: true,
      describe: 'YAML file whose values replace the defaults; overrides come after it',
      group: 'Input:',
    },
  },
  examples: [
    ['$0 train', 'Train the default recipe; downloads CIFAR-10 first if it is missing'],
    ['$0 train data_loading=sample', 'Train on the embedded sample, without a download'],
    ['$0 train --config my.yaml training.seed=1', 'Train by a file, with another seed'],
  ],
  epilogue:
    'Writes <output_dir>/<date>/<time>/checkpoint.safetensors. All keys and defaults: the folder conf/.',
  run: async ({ config, overrides = [] }, context) => {
    const { loadConfig, train } = await import('../../lib/index.js');
    const options = { config, overrides, signal: context.signal };
    const { source, dataDir } = loadConfig(options).dataLoading;
    if (source === 'cifar10') await provideDataset(dataDir, context);
    const run = train(options);
    const display = new TrainingProgress(context.progress, context.message);
    for await (const event of run) display.show(event);
    const result = await run;
    const { checkpoint, runDir, model, seed, epochs, steps, test, durationSeconds, imagesPerSecond } = result;
    context.printResult(
      { checkpoint, runDir, model, seed, epochs, steps, test, durationSeconds, imagesPerSecond },
      () => describeTraining(result),
    );
  },
});

/** Downloads CIFAR-10 if it is missing. */
async function provideDataset(dataDir: string | null, { signal, progress, message }: Context) {
  const { downloadDataset } = await import('../../lib/index.js');
  const display = new AmountProgress(progress, MEGABYTES);
  await downloadDataset({
    dataDir,
    signal,
    onMessage: message,
    onProgress: ({ phase, doneBytes, totalBytes }) => display.show(phase, doneBytes, totalBytes),
  });
  progress.close();
}
