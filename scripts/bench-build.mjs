// Times compiling the addon as `npm run build:native` does, in a copy: from scratch, again without a change, and after a change of
// one source file of each kind. ccache is off. Usage, after `npm run build:ts`: node scripts/bench-build.mjs
// Markdown to stdout. A change is a new comment at the end of the file.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';

const COPIED = ['CMakeLists.txt', 'native', 'package.json', 'dist', 'scripts/build-native.mjs'];
const CHANGED = {
  'a model (native/core/models/cnn.cpp)': 'native/core/models/cnn.cpp',
  'the training loop (native/core/training/trainer.cpp)': 'native/core/training/trainer.cpp',
  'a kernel for AVX-512 (native/core/kernels/winograd_convolve_avx512.cpp)':
    'native/core/kernels/winograd_convolve_avx512.cpp',
  'the binding (native/binding/train_job.cpp)': 'native/binding/train_job.cpp',
};

const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-build-'));

/** Seconds that the build takes. */
function build() {
  const startedMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'scripts/build-native.mjs')], {
    encoding: 'utf8',
    env: { ...process.env, CCACHE_DISABLE: '1' },
  });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
  return (performance.now() - startedMs) / 1000;
}

try {
  for (const name of COPIED) cpSync(join(PACKAGE_ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(folder, 'node_modules'));
  const rows = [
    ['from scratch', build()],
    ['again, without a change', build()],
  ];
  for (const [label, file] of Object.entries(CHANGED)) {
    appendFileSync(join(folder, file), '\n// changed\n');
    rows.push([`after a change of ${label}`, build()]);
  }
  console.log(`${availableParallelism()} cores of ${cpus()[0]?.model}, one run each\n`);
  console.log('| build | seconds |\n|---|---:|');
  for (const [label, seconds] of rows) console.log(`| ${label} | ${seconds.toFixed(1)} |`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
