// npm's `prepare`: builds dist/ and the addon in a clone. npm never runs it for someone who installs the package.
// Must not do anything where sources or compiler are missing; a second run is incremental.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const COMMAND = join(ROOT, 'dist/bin/cifar10-torch.js');

/** Absolute path of the TypeScript compiler; `undefined` where development dependencies are left out. */
function findTypeScript() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return undefined;
  }
}

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit', cwd: ROOT });
  if (status !== 0) process.exit(status ?? 1);
}

const typescript = findTypeScript();
if (
  existsSync(join(ROOT, 'native')) &&
  existsSync(join(ROOT, 'tsconfig.build.json')) &&
  typescript !== undefined
) {
  run(typescript, '-p', 'tsconfig.build.json');
  run(join(ROOT, 'scripts/build-help.mjs'));
  if (existsSync(COMMAND)) chmodSync(COMMAND, 0o755);
  run(join(ROOT, 'scripts/build-native.mjs'));
}
