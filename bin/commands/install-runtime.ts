// Owns the command `install-runtime`: LibTorch into the user's cache, with progress.
import { AmountProgress, MEGABYTES } from '../amount-progress.js';
import { defineCommand } from '../command.js';

export const installRuntimeCommand = defineCommand({
  command: 'install-runtime',
  describe: "Install LibTorch into the user's cache",
  options: {
    from: {
      type: 'string',
      requiresArg: true,
      describe:
        'Archive to install: the official LibTorch zip or a wheel of PyTorch; default: it is downloaded',
      group: 'Input:',
    },
    variant: {
      choices: ['auto', 'cpu', 'cu126', 'cu130'],
      requiresArg: true,
      describe: 'For the processor or a CUDA version; default: auto, what the NVIDIA driver can use',
      group: 'Input:',
    },
  },
  examples: [
    ['$0 install-runtime', 'From the official archive, else with pip'],
    ['$0 install-runtime --variant cu130', 'For CUDA 13.0 with pip, also where no GPU is yet'],
    ['$0 install-runtime --from libtorch.zip', 'From a file, without a network'],
    ['CIFAR10_TORCH_CACHE=/data $0 install-runtime', 'Into another cache folder'],
  ],
  epilogue: 'One that is whole is kept. CIFAR10_TORCH_CACHE moves the cache folder.',
  run: async ({ from, variant }, { signal, progress, message, printResult }) => {
    const { installLibtorch } = await import('../../lib/index.js');
    const display = new AmountProgress(progress, MEGABYTES);
    const installed = await installLibtorch({
      from,
      variant,
      signal,
      onMessage: message,
      onProgress: ({ stage, doneBytes, totalBytes }) => display.show(stage, doneBytes, totalBytes),
    });
    const { path, version, variant: compiledFor, source } = installed;
    printResult(
      { path, version, variant: compiledFor, source },
      () => `LibTorch ${version} (${compiledFor}) is installed\n${path}`,
    );
  },
});
