import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  haveSameAbi,
  isAcceptedVersion,
  parseVersionText,
  readVersion,
} from '../../../lib/libtorch/version.js';
import { temporaryFolder, writeFiles } from './fakes.js';

test.each([
  ['2.13.0+cpu\n', { version: '2.13.0', variant: 'cpu' }],
  [
    "from typing import Optional\n__version__ = '2.13.0+cu130'\ncuda = '13.0'",
    { version: '2.13.0', variant: 'cu130' },
  ],
  ['2.11.1', { version: '2.11.1' }],
  ['2.14.0a0+git1234', { version: '2.14.0', variant: 'git1234' }],
  ['2.13.0+../../x', undefined],
  ['<html>', undefined],
])('the version in %j', (text, expected) => {
  expect(parseVersionText(text)).toEqual(expected);
});

test.each([
  ['2.10.9', false],
  ['2.11.0', true],
  ['2.14.3', true],
  ['2.15.0', false],
  ['3.13.0', false],
])('version %s is accepted: %s', (version, expected) => {
  expect(isAcceptedVersion(version)).toBe(expected);
});

test('the ABI follows the minor version', () => {
  expect(haveSameAbi('2.13.0', '2.13.2')).toBe(true);
  expect(haveSameAbi('2.13.0', '2.1.0')).toBe(false);
});

test.each(['include/torch/headeronly/version.h', 'include/torch/version.h'])(
  'the version in %s',
  (header) => {
    const defines =
      '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 12\n#define TORCH_VERSION_PATCH 1\n';
    const folder = writeFiles(temporaryFolder(), { [header]: defines });
    expect(readVersion(folder)).toEqual({ version: '2.12.1', variant: 'cpu' });
    writeFiles(folder, { 'lib/libtorch_cuda.so': '' });
    expect(readVersion(folder)).toEqual({ version: '2.12.1', variant: 'cuda' });
  },
);

const MIB = 1 << 20;
test.each([
  ['digits', '1.2.'.padEnd(MIB, '3')],
  ['digits and an end that is none', `${'1.2.'.padEnd(MIB, '3')} x`],
  ['digits in quotes', `__version__ = '${'1.2.'.padEnd(MIB, '3')} x'`],
  ['spaces', `__version__${' '.repeat(MIB)}`],
])('a text of a megabyte of %s is no version, and takes no time', (_, text) => {
  const startedMs = performance.now();
  expect(parseVersionText(text)).toBeUndefined();
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

test('a version file that is a folder, a pipe or without an end states none', () => {
  const folder = writeFiles(temporaryFolder(), { 'build-version/file': '' });
  execFileSync('mkfifo', [join(folder, 'version.py')]);
  writeFiles(folder, { 'include/torch/version.h': '#define TORCH_VERSION_MAJOR '.padEnd(MIB, '1') });
  expect(readVersion(folder)).toBeUndefined();
});
