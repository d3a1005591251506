// Owns the one answer to "where is this package on disk": the folder that holds its package.json,
// conf/ and the embedded sample, whether the code runs from lib/ (tests) or from dist/lib/ (installed).
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** Absolute path of the package's folder. */
export const PACKAGE_ROOT = findPackageRoot();
