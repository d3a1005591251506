// Owns the command `bench`: options to the library's `bench`, its figures to a table.
import type { BenchResult } from '../../lib/index.js';
import { defineCommand } from '../command.js';
import { count } from '../format.js';
import { CONFIG_OPTIONS, integerInRange, MODEL_OPTIONS, OVERRIDES_POSITIONAL } from '../options.js';
import { table } from '../table.js';

export const benchCommand = defineCommand({
  command: 'bench <mode> [overrides..]',
  describe: 'Time a model on synthetic images',
  positionals: {
    mode: {
      choices: ['train', 'infer'],
      demandOption: true,
      describe: 'A whole step of training, or forward passes',
    },
    ...OVERRIDES_POSITIONAL,
  },
  options: {
    ...CONFIG_OPTIONS,
    model: {
      type: 'string',
      requiresArg: true,
      describe: 'One of those that `models` lists; default: fast',
      group: 'Model:',
    },
    batch: {
      type: 'number',
      requiresArg: true,
      coerce: (value: number) => integerInRange('--batch', value, 1, 50_000),
      describe: 'Images of a step; default: those of the configuration',
      group: 'Model:',
    },
    steps: {
      type: 'number',
      requiresArg: true,
      coerce: (value: number) => integerInRange('--steps', value, 3, 10_000),
      describe: 'Steps, of which the first two do not count; default: 12',
      group: 'Runtime:',
    },
    dtype: {
      alias: 'precision',
      choices: ['auto', 'bf16', 'fp32'],
      requiresArg: true,
      describe: 'Of activations; default: auto, bf16 where it is fast',
      group: 'Runtime:',
    },
    device: MODEL_OPTIONS.device,
    threads: MODEL_OPTIONS.threads,
    kernels: {
      ...MODEL_OPTIONS.kernels,
      describe: 'Own ones where they are faster, wherever they can run, or none; default: auto',
    },
  },
  examples: [
    ['$0 bench train', 'The default recipe’s step'],
    ['$0 bench train --model resnet18 --batch 128', 'Another net'],
    ['$0 bench infer --batch 1 --dtype fp32', 'Latency of one image'],
    ['$0 bench train --kernels libtorch --json', 'What LibTorch alone takes, for a script'],
  ],
  epilogue:
    'Run nothing else meanwhile. A shared machine differs from minute to minute:\n' +
    'compare two things by their ratio, in turns.',
  run: async ({ mode, config, configDir, overrides = [], steps, ...options }, { printResult, signal }) => {
    const { bench } = await import('../../lib/index.js');
    const changes = [...overridesOf(options), ...overrides];
    const result = await bench({ mode, steps, config, configDir, overrides: changes, signal });
    printResult(result, () => describe(result));
  },
});

interface Shortcuts {
  model?: string | undefined;
  batch?: number | undefined;
  dtype?: string | undefined;
  device?: string | undefined;
  threads?: number | undefined;
  kernels?: string | undefined;
}

function overridesOf({ model, batch, dtype, device, threads, kernels }: Shortcuts): string[] {
  const keys = {
    model,
    'data_loading.batch_size': batch,
    'training.precision': dtype,
    'training.device': device,
    'training.threads': threads,
    'training.kernels': kernels,
  };
  return Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}

function describe(result: BenchResult): string {
  const { mode, model, precision, kernels, batchSize, steps, device, threads, phaseSeconds } = result;
  const milliseconds = (seconds: number) => `${(seconds * 1000).toPrecision(4)} ms`;
  const phases = Object.entries(phaseSeconds)
    .filter(([, seconds]) => seconds > 0)
    .map(([phase, seconds]): [string, string] => [`  ${phase}`, milliseconds(seconds)]);
  return table([
    ['benchmark', `${mode} ${model}, ${precision}, batch ${count(batchSize)}, ${steps} steps`],
    ['runs on', `${device}, ${threads} thread${threads === 1 ? '' : 's'}, kernels: ${kernels}`],
    ['images/s', result.imagesPerSecond.toFixed(0)],
    ['step', milliseconds(result.stepSeconds)],
    ...phases,
    ['peak memory', `${(result.peakMemoryBytes / 2 ** 20).toFixed(0)} MiB`],
    [
      'convolutions',
      `${(100 * result.convolutionShare).toFixed(0)} % of the best of LibTorch’s, ` +
        `${(result.convolutionPeak / 1e9).toFixed(0)} GFLOP/s`,
    ],
  ]);
}
