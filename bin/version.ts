// Owns what `--version` prints: this package, and what it runs on.
import { printJson, printLine } from './output.js';

/** Prints the versions, of LibTorch and its CUDA as well. */
export async function printVersions(isJson: boolean): Promise<void> {
  const { versions } = await import('../lib/index.js');
  const found = versions();
  if (isJson) return printJson(found);
  const { cifar10Torch, node, libtorch, cuda } = found;
  printLine(`cifar10-torch ${cifar10Torch}`);
  printLine(
    `LibTorch ${libtorch === null ? 'none' : `${libtorch.version} (${libtorch.variant}) ${libtorch.path}`}`,
  );
  printLine(`CUDA ${cuda ?? 'none'}`);
  printLine(`Node.js ${node}`);
}
