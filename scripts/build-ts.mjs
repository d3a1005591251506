// Builds dist/ anew: compiles lib/ and bin/, then writes the help texts. Files of earlier builds are gone after it.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit', cwd: ROOT });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
run(createRequire(import.meta.url).resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json');
run(join(ROOT, 'scripts/build-help.mjs'));
chmodSync(join(ROOT, 'dist/bin/cifar10-torch.js'), 0o755);
