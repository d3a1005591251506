// Owns the command `preview`: options to the library's `preview`, the path of the picture to the terminal.
import type { PreviewResult } from '../../lib/index.js';
import { defineCommand } from '../command.js';
import { provideDatasets } from '../dataset-download.js';
import { CONFIG_OPTIONS, integerInRange, OVERRIDES_POSITIONAL } from '../options.js';

export const previewCommand = defineCommand({
  command: 'preview [overrides..]',
  describe: 'Draw what the augmentation makes of train images',
  positionals: OVERRIDES_POSITIONAL,
  options: {
    ...CONFIG_OPTIONS,
    images: {
      type: 'number',
      requiresArg: true,
      coerce: (value: number) => integerInRange('--images', value, 1, 64),
      describe: 'Rows, one for each of the first train images; default: 8',
      group: 'Output:',
    },
    epochs: {
      type: 'number',
      requiresArg: true,
      coerce: (value: number) => integerInRange('--epochs', value, 1, 64),
      describe: 'Columns behind that of the originals; default: 10',
      group: 'Output:',
    },
    output: {
      type: 'string',
      requiresArg: true,
      coerce: pngPath,
      describe: 'File to write the picture to, .png; default: preview.png',
      group: 'Output:',
    },
  },
  examples: [
    ['$0 preview data_loading=sample', 'The default augmentation, on the embedded sample'],
    ['$0 preview data_loading.augmentation.mixup_alpha=0.2', 'With mixup'],
    ['$0 preview data_loading=cifar10_rand_augment', 'With RandAugment and cutout'],
    ['$0 preview --images 4 --epochs 20 --output wide.png', 'Four images in twenty epochs'],
  ],
  epilogue: 'Downloads CIFAR-10 first if it is missing. A picture that is there is replaced.',
  run: async ({ config, configDir, overrides, images, epochs, output = 'preview.png' }, context) => {
    const { loadConfig, preview } = await import('../../lib/index.js');
    const sources = { config, configDir, overrides };
    await provideDatasets([loadConfig(sources)], context);
    const result = await preview({ ...sources, images, epochs, output, signal: context.signal });
    context.printResult(result, () => describe(result));
  },
});

function describe({ output, width, height, labels, epochs }: PreviewResult): string {
  const amounts = [
    `${labels.length} image${labels.length === 1 ? '' : 's'}`,
    `${epochs} epoch${epochs === 1 ? '' : 's'}`,
  ];
  return `${amounts.join(' in ')}, ${width}x${height} pixels: ${output}`;
}

function pngPath(path: string): string {
  if (/\.png$/i.test(path)) return path;
  throw new Error(`--output: expected a file named .png, found "${path}"`);
}
