// Owns the command `build`: the addon compiled from the sources in the package, by the script that a clone uses.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { AbortError, Cifar10Error } from '../../lib/errors.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { defineCommand } from '../command.js';

export const buildCommand = defineCommand({
  command: 'build',
  describe: 'Compile the native addon for this machine',
  options: {},
  examples: [
    ['$0 build', 'Fetch LibTorch if it is missing, then compile'],
    ['$0 build --libtorch ~/libtorch', 'Compile against a LibTorch of your own'],
    ['CXX=g++-13 $0 build', 'With another compiler'],
  ],
  epilogue: 'Needs CMake and a C++20 compiler. Takes a few minutes.',
  run: async (_args, { printResult, signal }) => {
    const script = join(PACKAGE_ROOT, 'scripts', 'build-native.mjs');
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 2, 2] });
    signal.addEventListener('abort', () => {
      // One that could not be started has no process: kill() would reach this command's own group.
      if (child.pid !== undefined) child.kill();
    });
    const [status] = await once(child, 'exit');
    if (signal.aborted) throw new AbortError('the compilation was stopped', signal.reason);
    if (status !== 0)
      throw new Cifar10Error('ADDON_NOT_BUILT', {
        what: 'the native addon could not be compiled',
        nextStep: 'mend the first error above, or run `npx cifar10-torch doctor`',
      });
    const { findAddon } = await import('../../lib/native.js');
    const addon = findAddon();
    printResult({ addon }, () => `The addon is compiled\n${addon}`);
  },
});
