// npm's `prepare`: builds dist/ and the addon in a clone. npm never runs it for someone who installs the package.
// Must not do anything where sources or compiler are missing; a second run is incremental.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Not where development dependencies are left out. */
function hasTypeScript() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc') !== '';
  } catch {
    return false;
  }
}

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit', cwd: ROOT });
  if (status !== 0) process.exit(status ?? 1);
}

if (existsSync(join(ROOT, 'native')) && existsSync(join(ROOT, 'tsconfig.build.json')) && hasTypeScript()) {
  run(join(ROOT, 'scripts/build-ts.mjs'));
  run(join(ROOT, 'scripts/build-native.mjs'));
}
