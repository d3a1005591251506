// Owns the command `models`: what the library knows of the models, as tables. Must not know any model.
import type { ModelDescription, ModelInfo } from '../../lib/index.js';
import { defineCommand } from '../command.js';
import { count, percentOrDash } from '../format.js';
import { CONFIG_OPTIONS } from '../options.js';
import { columns, table } from '../table.js';

export const modelsCommand = defineCommand({
  command: 'models [option]',
  describe: 'List the models: size, cost, published accuracy',
  positionals: {
    option: { type: 'string', describe: 'One of them: tells its tensors too' },
  },
  options: { 'config-dir': CONFIG_OPTIONS['config-dir'] },
  examples: [
    ['$0 models', 'All that model=<option> can pick'],
    ['$0 models resnet20', 'One of them with its state keys and shapes'],
    ['$0 models --config-dir my-conf', 'Those of your own too'],
    ['$0 models --json', 'For a script'],
  ],
  epilogue:
    'Multiply-adds are those of one image, in convolutions and linear layers.\n' +
    'The accuracy is what the source got with its own training.',
  run: async ({ option, configDir }, { printResult }) => {
    const { describeModel, listModels } = await import('../../lib/index.js');
    if (option === undefined) {
      const models = listModels({ configDir });
      printResult(models, () => describeModels(models));
    } else {
      const model = describeModel(option, { configDir });
      printResult(model, () => describeOne(model));
    }
  },
});

const HEAD = ['model', 'parameters', 'multiply-adds', 'accuracy', 'source'];

function describeModels(models: readonly ModelInfo[]): string {
  const rows = models.map(({ option, parameterCount, multiplyAdds, published }) => [
    option,
    count(parameterCount),
    short(multiplyAdds),
    percentOrDash(published?.accuracy),
    published?.source ?? '-',
  ]);
  return columns(HEAD, rows);
}

function describeOne({
  option,
  label,
  parameterCount,
  multiplyAdds,
  published,
  tensors,
}: ModelDescription): string {
  const facts: [string, string][] = [
    ['model', label === option ? option : `${option}, in tables of runs "${label}"`],
    ['parameters', count(parameterCount)],
    ['multiply-adds', `${short(multiplyAdds)} an image`],
    ['accuracy', percentOrDash(published?.accuracy)],
    ...(published === null
      ? []
      : ([
          ['  how', published.note],
          ['  source', published.url],
        ] as [string, string][])),
  ];
  const rows = tensors.map(({ name, shape, dtype }) => [name, `[${shape.join(', ')}]`, dtype]);
  return [table(facts), '', columns(['tensor', 'shape', 'dtype'], rows)].join('\n');
}

/** 40813184 as `40.8 M`, 5242880000 as `5.24 G`. */
function short(value: number): string {
  const [unit, scale] = value < 1e9 ? ['M', 1e6] : ['G', 1e9];
  return `${(value / Number(scale)).toPrecision(3)} ${unit}`;
}
