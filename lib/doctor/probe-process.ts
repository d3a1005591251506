// Owns starting the probes, which load native code, as processes of their own: a crash or a hang ends there.
// Must not read what they print.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildOptions, type ChildResult, runChild } from '../child.js';
import { Cifar10Error } from '../errors.js';
import { PACKAGE_ROOT } from '../package-root.js';

const SHELL = '/bin/sh';
// A probe that crashes shall not leave a file with its memory; exec, so that its signal reaches us.
const WITHOUT_CORE_FILE = 'ulimit -c 0; exec "$0" "$@"';

/**
 * Runs dist/lib/doctor/`name`.js, also where this code itself runs from the TypeScript sources.
 * Errors: `INTERNAL` if the sources are not compiled.
 */
export function runProbe(name: string, options: ChildOptions): Promise<ChildResult> {
  const script = join(PACKAGE_ROOT, 'dist/lib/doctor', `${name}.js`);
  if (!existsSync(script))
    throw new Cifar10Error('INTERNAL', {
      what: `"${script}" is missing`,
      nextStep: 'run `npm run build:ts` in a clone, or install the package again',
    });
  const command = [process.execPath, script];
  if (!existsSync(SHELL)) return runChild(process.execPath, [script], options);
  return runChild(SHELL, ['-c', WITHOUT_CORE_FILE, ...command], options);
}
