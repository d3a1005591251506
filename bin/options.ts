// Owns the options that more than one command has. Must not have defaults of its own: those live in lib/ and conf/.
import type { Options, PositionalOptions } from 'yargs';

type OptionTable = Record<string, Options>;

/** Options of every command. */
export const GLOBAL_OPTIONS = {
  json: {
    type: 'boolean',
    describe: 'Print the result as JSON on stdout and nothing else there',
    group: 'Output:',
  },
  quiet: { type: 'boolean', describe: 'Show no progress and no messages', group: 'Output:' },
  libtorch: {
    type: 'string',
    requiresArg: true,
    describe: 'Folder of the LibTorch to use; also the environment variable LIBTORCH',
    group: 'Runtime:',
  },
} as const satisfies OptionTable;

/** Overrides of the configuration. */
export const OVERRIDES_POSITIONAL = {
  overrides: {
    type: 'string',
    array: true,
    describe: 'Configuration: key=value (training.epochs=2) or group=option (model=resnet20)',
  },
} as const satisfies Record<string, PositionalOptions>;

/** Where the configuration comes from. */
export const CONFIG_OPTIONS = {
  config: {
    type: 'string',
    requiresArg: true,
    describe: 'YAML file: picks options and sets values; overrides come after it',
    group: 'Input:',
  },
  'config-dir': {
    type: 'string',
    alias: 'config_dir',
    requiresArg: true,
    describe: 'Folder with config groups of your own, beside those of the package',
    group: 'Input:',
  },
} as const satisfies OptionTable;

/** The checkpoint that a command reads. */
export const CHECKPOINT_OPTION = {
  checkpoint: {
    type: 'string',
    alias: ['checkpoint-name', 'checkpoint_name'],
    requiresArg: true,
    demandOption: true,
    describe: 'Checkpoint file, as `train` wrote it',
    group: 'Input:',
  },
} as const satisfies OptionTable;

/** How a trained model is run. */
export const MODEL_OPTIONS = {
  tta: {
    type: 'number',
    choices: [0, 1, 2],
    requiresArg: true,
    describe: 'Test-time augmentation: 0 none, 1 mirror, 2 mirror and shifts; default: 0',
    group: 'Model:',
  },
  device: {
    choices: ['auto', 'cpu', 'cuda'],
    requiresArg: true,
    describe: 'Where to compute; default: auto, the GPU if there is one',
    group: 'Runtime:',
  },
  dtype: {
    alias: 'precision',
    choices: ['auto', 'bf16', 'fp32'],
    requiresArg: true,
    describe: 'Of activations; default: as in training, for `evaluate` as in its test',
    group: 'Runtime:',
  },
  threads: {
    type: 'number',
    requiresArg: true,
    coerce: (value: number) => integerInRange('--threads', value, 1, 1024),
    describe: 'Threads to compute with; default: one a physical core',
    group: 'Runtime:',
  },
  kernels: {
    choices: ['auto', 'own', 'libtorch'],
    requiresArg: true,
    describe: 'Own ones where they are faster, wherever they can run, or none; default: as in training',
    group: 'Runtime:',
  },
} as const satisfies OptionTable;

/** The value if it is an integer in the range; what it throws becomes an error of usage. */
export function integerInRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  const found = Number.isNaN(value) ? 'something else' : String(value);
  throw new Error(`${name}: expected an integer from ${min} to ${max}, found ${found}`);
}
