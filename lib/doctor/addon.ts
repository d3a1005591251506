// Owns the check of the built addon: where it is and which LibTorch it was compiled against.
// Must not load LibTorch, and loads native code in a child process only.

import { type ChildOptions, describeEnd, mainLine } from '../child.js';
import { Cifar10Error } from '../errors.js';
import { findAddon } from '../native.js';
import type { Finding } from './check.js';
import { readLoaderAnswer } from './probe-answer.js';
import { runProbe } from './probe-process.js';

export interface BuiltAddon {
  path: string;
  /** The version that the addon was compiled against. */
  builtForLibtorch: string;
}

/** Errors: `ADDON_NOT_BUILT`, `ADDON_LOAD_FAILED`, `INTERNAL`. */
export async function inspectAddon(options: ChildOptions): Promise<BuiltAddon> {
  const path = findAddon();
  const { end, stdout, stderr } = await runProbe('loader-probe', options);
  const answer = readLoaderAnswer(stdout);
  if (end.kind !== 'exited' || end.exitCode !== 0)
    throw broken(path, `${describeEnd(end)} ${mainLine(stderr)}`);
  if (answer === undefined) throw broken(path, 'printed something else than its answer');
  if ('error' in answer) throw broken(path, answer.error.message);
  return { path, ...answer };
}

export function describeAddon({ path, builtForLibtorch }: BuiltAddon): Finding {
  const found = `built for LibTorch ${builtForLibtorch}: ${path}`;
  return { status: 'ok', found, details: { path, builtForLibtorch } };
}

function broken(path: string, found: string): Cifar10Error {
  return new Cifar10Error('ADDON_LOAD_FAILED', {
    what: `the loader beside "${path}" cannot be used`,
    found: found.trim(),
    nextStep: 'run `npx cifar10-torch build`',
  });
}
