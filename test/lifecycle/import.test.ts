// What a program pays that merely imports the package: no LibTorch, little memory.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { runProcess } from '../run-process.js';

const REPORT = `
  import { readFileSync } from 'node:fs';
  const libraries = readFileSync('/proc/self/maps', 'utf8').match(/(libtorch|libc10|cifar10_torch)[^/]*$/gm);
  console.log(JSON.stringify({ megabytes: process.memoryUsage.rss() / 2 ** 20, libraries }));`;

async function report(source: string): Promise<{ megabytes: number; libraries: string[] | null }> {
  const { exitCode, output } = await runProcess(`${source}; ${REPORT}`);
  expect(exitCode, output).toBe(0);
  return JSON.parse(output);
}

const url = (path: string) => JSON.stringify(pathToFileURL(join(PACKAGE_ROOT, 'dist/lib', path)).href);

test('a program that only imports the package loads no LibTorch and stays small', async () => {
  const [empty, importing] = [await report(''), await report(`import ${url('index.js')}`)];
  expect(importing.libraries).toBeNull();
  expect(importing.megabytes - empty.megabytes).toBeLessThan(80);
});

test('the report tells when LibTorch is loaded', async () => {
  const loading = await report(`import { loadNative } from ${url('native.js')}; loadNative()`);
  expect(loading.libraries).toContain('libtorch_cpu.so');
});
