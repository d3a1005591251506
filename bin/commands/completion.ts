// Owns the command `completion`: a script that makes a shell ask this program what may be typed next.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { defineCommand } from '../command.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completionCommand = defineCommand({
  command: 'completion [shell]',
  describe: 'Print a script that completes commands and overrides in your shell',
  positionals: {
    shell: { choices: SHELLS, describe: 'Default: the one of the variable SHELL' },
  },
  options: {},
  examples: [
    ['$0 completion bash >> ~/.bashrc', 'For bash'],
    ['$0 completion zsh >> ~/.zshrc', 'For zsh'],
    ['$0 completion fish > ~/.config/fish/completions/cifar10-torch.fish', 'For fish'],
  ],
  epilogue: 'Completes commands, options, keys, groups, their options and runs. Open a new shell after it.',
  run: async ({ shell = shellOf(process.env.SHELL) }, { printResult }) => {
    const script = await readFile(join(PACKAGE_ROOT, 'bin', 'completion', `cifar10-torch.${shell}`), 'utf8');
    printResult({ shell, script }, () => script.trimEnd());
  },
});

function shellOf(path = ''): (typeof SHELLS)[number] {
  return SHELLS.find((shell) => path.endsWith(shell)) ?? 'bash';
}
