// Owns real shared libraries that do what a test needs when they are opened. Must not know what is tested with them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILD_VERSION } from '../../../lib/libtorch/index.js';

const NAMES = ['libgomp.so.1', 'libc10.so', 'libtorch_cpu.so', 'libtorch.so'];

function compile(path: string, body: string): void {
  const source = `#include <cstdio>\n#include <cstdlib>\n#include <unistd.h>\n
    __attribute__((constructor)) static void opened() { ${body} }\n`;
  execFileSync('c++', ['-shared', '-fPIC', '-x', 'c++', '-', '-o', path], { input: source });
}

/** A library that asks the linker for those in `needed`, wherever they are. */
export function compileLibrary(path: string, needed: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-stubs-'));
  const compile = (target: string, ...words: string[]) =>
    execFileSync('c++', ['-shared', '-fPIC', '-Wl,--no-as-needed', '-o', target, ...words]);
  const stubs = needed.map((name) => join(folder, name));
  stubs.forEach((stub, index) => void compile(stub, `-Wl,-soname,${needed[index]}`));
  compile(path, ...stubs);
  rmSync(folder, { recursive: true });
}

/** A folder that passes as LibTorch; opening its libc10.so runs the C++ statements `body`. */
export function writeFakeLibtorch(folder: string, body: string): string {
  mkdirSync(join(folder, 'lib'), { recursive: true });
  for (const name of NAMES) compile(join(folder, 'lib', name), name === 'libc10.so' ? body : '');
  writeFileSync(join(folder, 'build-version'), `${BUILD_VERSION}+cpu`);
  return folder;
}
