// Owns the command `import-weights`: options to the library's `importWeights`.
import { defineCommand } from '../command.js';
import { count } from '../format.js';
import { CONFIG_OPTIONS, OVERRIDES_POSITIONAL } from '../options.js';

export const importWeightsCommand = defineCommand({
  command: 'import-weights [overrides..]',
  describe: 'Make a checkpoint of weights that were trained in Python',
  positionals: OVERRIDES_POSITIONAL,
  options: {
    weights: {
      type: 'string',
      requiresArg: true,
      demandOption: true,
      describe: "Safetensors file of the model's state_dict",
      group: 'Input:',
    },
    ...CONFIG_OPTIONS,
    output: {
      type: 'string',
      requiresArg: true,
      demandOption: true,
      describe: 'Checkpoint file to write; one of that name is replaced',
      group: 'Output:',
    },
  },
  examples: [
    ['$0 import-weights --weights w.safetensors --output c.safetensors model=resnet20', 'A ResNet-20'],
    [
      "$0 import-weights --weights w.safetensors --output c.safetensors model=resnet18 'data_loading.normalization.std=[0.2023,0.1994,0.2010]'",
      'Trained on images that were normalized otherwise',
    ],
    ['$0 import-weights --weights w.safetensors --output c.safetensors --config my.yaml', 'By a file'],
  ],
  epilogue:
    "In Python: safetensors.torch.save_file(model.state_dict(), 'w.safetensors'). Names, shapes and dtypes must be " +
    'those of the model; its normalization travels with it.',
  run: async ({ weights, output, config, configDir, overrides = [] }, { printResult }) => {
    const { importWeights } = await import('../../lib/index.js');
    const result = await importWeights({ weights, output, config, configDir, overrides });
    const { checkpoint, model, parameterCount } = result;
    printResult(result, () => `${count(parameterCount)} parameters of ${model} imported\n${checkpoint}`);
  },
});
