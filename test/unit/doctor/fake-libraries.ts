// Owns real shared libraries that do what a test needs when they are opened. Must not know what is tested with them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD_VERSION } from '../../../lib/libtorch/index.js';

const NAMES = ['libgomp.so.1', 'libc10.so', 'libtorch_cpu.so', 'libtorch.so'];

function compile(path: string, body: string): void {
  const source = `#include <cstdio>\n#include <cstdlib>\n#include <unistd.h>\n
    __attribute__((constructor)) static void opened() { ${body} }\n`;
  execFileSync('c++', ['-shared', '-fPIC', '-x', 'c++', '-', '-o', path], { input: source });
}

/** A folder that passes as LibTorch; opening its libc10.so runs the C++ statements `body`. */
export function writeFakeLibtorch(folder: string, body: string): string {
  mkdirSync(join(folder, 'lib'), { recursive: true });
  for (const name of NAMES) compile(join(folder, 'lib', name), name === 'libc10.so' ? body : '');
  writeFileSync(join(folder, 'build-version'), `${BUILD_VERSION}+cpu`);
  return folder;
}
