// Builds the native addon into build/Release: finds or installs LibTorch, then runs cmake-js.
// Needs dist/, so run `npm run build:ts` before. Must not compile TypeScript.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const JOB_BYTES = 2 ** 31; // a compiler needs up to this for a file that includes LibTorch

function print(line) {
  console.error(`build-native: ${line}`);
}

function isPresent(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function requireTools() {
  if (process.platform === 'win32') return; // CMake finds Visual Studio, which is not on the path
  const compiler = process.env.CXX || 'c++';
  const missing = ['cmake', compiler].filter((program) => !isPresent(program));
  if (missing.length === 0) return;
  throw new Error(
    `${missing.join(' and ')} not found, which compiling the addon needs. ` +
      'Next step: install CMake and a C++20 compiler (Debian: `apt install cmake g++`)',
  );
}

async function importLibtorch() {
  try {
    // An address: a path with a drive letter would be taken for one with an unknown scheme.
    return await import(pathToFileURL(join(ROOT, 'dist/lib/libtorch/index.js')).href);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error('dist/ is missing or not whole. Next step: run `npm run build:ts`', { cause: error });
  }
}

/** Prints at most one line each ten percent: also readable in a log. */
function progressPrinter() {
  let last = '';
  return ({ stage, doneBytes, totalBytes }) => {
    if (!totalBytes) return;
    const line = `${stage} ${Math.floor((10 * doneBytes) / totalBytes) * 10} %`;
    if (line !== last) print(line);
    last = line;
  };
}

async function provideLibtorch() {
  const { installLibtorch, locateLibtorch } = await importLibtorch();
  try {
    return locateLibtorch({ needsHeaders: true });
  } catch (error) {
    // A folder that the user named is never replaced without asking.
    if (error.code !== 'LIBTORCH_NOT_FOUND' || process.env.LIBTORCH) throw error;
    print('no LibTorch on this machine: installing it into the cache');
    // Compiling needs nothing of CUDA, which is gigabytes; what is compiled runs with every variant of this version.
    return await installLibtorch({ variant: 'cpu', onMessage: print, onProgress: progressPrinter() });
  }
}

/** Lets ccache take what another clone has compiled, and what includes a precompiled header: by content, not by path or time. */
const CCACHE = {
  CCACHE_BASEDIR: ROOT,
  CCACHE_NOHASHDIR: '1',
  CCACHE_SLOPPINESS: 'pch_defines,time_macros,include_file_mtime,include_file_ctime',
};

function runCmake(step, options) {
  const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  const args = [cmakeJs, step, '--log-level', 'warn', '--directory', ROOT, ...options];
  const { status } = spawnSync(process.execPath, args, {
    stdio: 'inherit',
    cwd: ROOT,
    env: { ...CCACHE, ...process.env },
  });
  if (status !== 0) throw new Error(`cmake-js ${step} failed. Next step: mend the first error above`);
}

async function main() {
  requireTools();
  const { path, version, variant, source } = await provideLibtorch();
  print(`compiling against LibTorch ${version} (${variant}) from the ${source}: ${path}`);
  const launcher = isPresent('ccache') ? ['--CDCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : [];
  // Not `compile`: after a failed build it starts anew, which takes minutes and repeats the same errors.
  runCmake('configure', [`--CDLIBTORCH=${path}`, ...launcher]);
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / JOB_BYTES)));
  runCmake('build', ['--parallel', String(jobs)]);
  print('the addon is in build/Release');
}

main().catch((error) => {
  print(error.message);
  process.exitCode = 1;
});
