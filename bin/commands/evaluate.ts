// Owns the command `evaluate`: options to the library's `evaluate`, its figures to the terminal.
import { AmountProgress, IMAGES } from '../amount-progress.js';
import { defineCommand } from '../command.js';
import { CHECKPOINT_OPTION, MODEL_OPTIONS } from '../options.js';
import { describeEvaluation } from '../reports.js';

export const evaluateCommand = defineCommand({
  command: 'evaluate',
  describe: 'Measure a checkpoint on the test images',
  options: {
    ...CHECKPOINT_OPTION,
    source: {
      choices: ['cifar10', 'sample'],
      requiresArg: true,
      describe: 'Test images; default: of the dataset it was trained on',
      group: 'Input:',
    },
    'data-dir': {
      type: 'string',
      alias: 'data_dir',
      requiresArg: true,
      describe: 'Folder of CIFAR-10; default: the one it was trained with',
      group: 'Input:',
    },
    ...MODEL_OPTIONS,
  },
  examples: [
    [
      '$0 evaluate --checkpoint run/checkpoint.safetensors',
      'Accuracy, calibration, each class, confusion matrix',
    ],
    ['$0 evaluate --checkpoint run/checkpoint.safetensors --tta 2', 'With test-time augmentation as well'],
    ['$0 evaluate --checkpoint run/checkpoint.safetensors --json', 'The same for a script'],
  ],
  epilogue: 'Nothing is downloaded: `cifar10-torch download` fetches CIFAR-10.',
  run: async ({ checkpoint, source, dataDir, tta, device, dtype, threads, kernels }, context) => {
    const { evaluate } = await import('../../lib/index.js');
    const display = new AmountProgress(context.progress, IMAGES);
    const { classNames, ...figures } = await evaluate({
      checkpoint,
      source,
      dataDir,
      tta,
      device,
      dtype,
      threads,
      kernels,
      signal: context.signal,
      onProgress: ({ done, total }) => display.show('evaluate', done, total),
    });
    context.printResult(figures, () => describeEvaluation({ classNames, ...figures }));
  },
});
