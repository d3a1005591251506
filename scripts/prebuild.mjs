#!/usr/bin/env node
// Makes the addon that travels in the npm package: prebuilds/<platform>-<arch>/cifar10-torch.glibc.node with the loader beside
// it, stripped. prebuildify names and places them; it calls this file in place of node-gyp, because the addon is built with CMake.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_VERSION } from '../dist/lib/libtorch/index.js';

const SELF = fileURLToPath(import.meta.url);
const ROOT = dirname(dirname(SELF));
/** prebuildify takes the addon away from where it was built: from here, so that the developer's build stays. */
const STAGE = join(ROOT, 'build/prebuild');
const BUILT = ['cifar10_torch.node', 'cifar10_torch_loader.so'];

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit', cwd: ROOT });
  if (status !== 0) process.exit(status ?? 1);
}

/** What travels to users is for the LibTorch that `install-runtime` fetches, whatever this machine has. */
function assertBuildVersion() {
  const loader = { exports: {} };
  process.dlopen(loader, join(ROOT, 'build/Release', BUILT[1]));
  const { builtForVersion } = loader.exports;
  if (builtForVersion === BUILD_VERSION) return;
  const step = process.env.LIBTORCH
    ? 'unset LIBTORCH'
    : 'run `node dist/bin/cifar10-torch.js install-runtime --variant cpu`';
  console.error(
    `prebuild: the addon is built for LibTorch ${builtForVersion}, expected ${BUILD_VERSION}. Next step: ${step}`,
  );
  process.exit(1);
}

/** In place of node-gyp, whose arguments mean nothing to CMake. */
function build() {
  run(join(ROOT, 'scripts/build-native.mjs'));
  assertBuildVersion();
  const release = join(STAGE, 'build/Release');
  mkdirSync(release, { recursive: true });
  for (const name of BUILT) copyFileSync(join(ROOT, 'build/Release', name), join(release, name));
}

function prebuild() {
  rmSync(STAGE, { recursive: true, force: true });
  rmSync(join(ROOT, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(STAGE, { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(STAGE, 'package.json'));
  const prebuildify = createRequire(import.meta.url).resolve('prebuildify/bin');
  run(prebuildify, '--napi', '--strip', '--tag-libc', '--cwd', STAGE, '--out', ROOT, '--node-gyp', SELF);
  rmSync(STAGE, { recursive: true });
}

// prebuildify's first argument to node-gyp is what to do.
if (process.argv[2] === 'rebuild') build();
else prebuild();
