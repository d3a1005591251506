// Owns the commands `config show` and `config keys`: the composed configuration and the list of all keys.
import type { DocumentedKey } from '../../lib/index.js';
import { defineCommand, defineGroup } from '../command.js';
import { CONFIG_OPTIONS, OVERRIDES_POSITIONAL } from '../options.js';
import { colorsOf } from '../output.js';
import { wrap } from '../table.js';

const showCommand = defineCommand({
  command: 'show [overrides..]',
  describe: 'Print the configuration that `train` would use, as YAML',
  positionals: OVERRIDES_POSITIONAL,
  options: {
    ...CONFIG_OPTIONS,
    resolve: {
      type: 'boolean',
      describe: 'Replace references to keys and to the environment by their values',
      group: 'Output:',
    },
  },
  examples: [
    ['$0 config show', 'The default recipe'],
    ['$0 config show model=resnet20 training.epochs=30', 'What these overrides give'],
    ['$0 config show --config my.yaml --resolve', 'A file of your own, references resolved'],
  ],
  epilogue: 'The configuration is checked; what is wrong is said with its place. Nothing is run.',
  run: async ({ config, configDir, overrides, resolve }, { printResult }) => {
    const { composeConfig, configToYaml, treeToYaml } = await import('../../lib/index.js');
    const composed = composeConfig({ config, configDir, overrides });
    const isResolved = resolve ?? false;
    printResult(isResolved ? composed.resolved : composed.unresolved, () =>
      (isResolved ? configToYaml(composed.config) : treeToYaml(composed.unresolved)).trimEnd(),
    );
  },
});

const keysCommand = defineCommand({
  command: 'keys [overrides..]',
  describe: 'List all keys with their defaults, ranges and meaning',
  positionals: OVERRIDES_POSITIONAL,
  options: CONFIG_OPTIONS,
  examples: [
    ['$0 config keys', 'All keys, the defaults being those of the default recipe'],
    ['$0 config keys model=resnet20', 'The same with the defaults of another model'],
    ['$0 config keys --json', 'The same for a script'],
  ],
  epilogue: 'The list is made from the schema that checks every configuration.',
  run: async ({ config, configDir, overrides }, { printResult }) => {
    const { documentKeys } = await import('../../lib/index.js');
    const keys = documentKeys({ config, configDir, overrides });
    printResult(keys, () => describeKeys(keys));
  },
});

export const configCommand = defineGroup({
  command: 'config',
  describe: 'Show the configuration and its keys',
  commands: [showCommand, keysCommand],
  help: {
    examples: [
      ['$0 config show', 'The configuration of the default recipe'],
      ['$0 config show model=resnet20', 'The same with another model'],
      ['$0 config keys', 'All keys with defaults and ranges'],
    ],
    epilogue: 'The files in conf/ hold every default, with units and sources.',
  },
});

const WIDTH = 80;
const INDENT = '    ';

/** The default, the meaning and the range of each key; keys of one variant only stand below a heading, indented. */
function describeKeys(keys: readonly DocumentedKey[]): string {
  let heading = '';
  const blocks = keys.map((key) => {
    const variant = key.variants.map(([path, name]) => `${path}.name=${name}`).join(', ');
    const begins = variant === heading ? [] : ['', ...(variant === '' ? [] : describeVariant(variant, key))];
    heading = variant;
    return [...begins, ...describeKey(key, variant === '' ? '' : INDENT)];
  });
  return blocks.flat().join('\n');
}

function describeKey(key: DocumentedKey, indent: string): string[] {
  const { bold, dim } = colorsOf(process.stdout);
  const inner = `${indent}${INDENT}`;
  const text = wrap(`${key.description} (${key.expected})`, WIDTH - inner.length);
  return [
    `${indent}${bold(key.path)}${key.default === undefined ? ', to be given' : ` = ${JSON.stringify(key.default)}`}`,
    ...text.map((line) => dim(`${inner}${line}`)),
  ];
}

function describeVariant(variant: string, { from }: DocumentedKey): string[] {
  return wrap(`Only with ${variant}${from === null ? '' : ` (defaults of ${from})`}:`, WIDTH);
}
