import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findDriver, parseDriverFile, parseQuery, peekDriver } from '../../../lib/libtorch/driver.js';
import { isDriverEnough, oldestDriver, variantFor } from '../../../lib/libtorch/variant.js';
import { type Files, temporaryFolder, writeFiles } from './fakes.js';

test('without a driver: for the processor', () => {
  expect(variantFor(undefined)).toBe('cpu');
});

test.each([
  ['470.42.01', 7.0, 'cpu'],
  ['525.60.11', 8.0, 'cpu'],
  ['525.60.13', 8.0, 'cu126'],
  ['525.147.05', 8.0, 'cu126'],
  ['560.35.03', 9.0, 'cu126'],
  ['580.65.05', 9.0, 'cu126'],
  ['580.65.06', 9.0, 'cu130'],
  ['580.65.06', 7.5, 'cu130'],
  ['1000.1', 8.9, 'cu130'],
  // Volta and older have kernels in 12.6 only, Blackwell in 13.0 only.
  ['580.65.06', 7.0, 'cu126'],
  ['575.57.08', 12.0, 'cpu'],
  ['580.65.06', 12.0, 'cu130'],
  ['580.65.06', 3.7, 'cpu'],
  // Of several the variant for most of them, and of two such the newer.
  ['580.65.06', [7.5, 12.0], 'cu130'],
  ['580.65.06', [7.0, 9.0], 'cu126'],
  ['580.65.06', [6.1, 12.0], 'cu130'],
  ['580.65.06', [6.1, 6.1, 12.0], 'cu126'],
  ['580.65.06', [3.7, 8.0], 'cu130'],
  ['560.35.03', [8.0, 12.0], 'cu126'],
  ['580.65.06', undefined, 'cu130'],
  ['550.54.15', undefined, 'cu126'],
  [undefined, undefined, 'cu130'],
])('driver %s with a GPU of %s: %s', (version, gpu, expected) => {
  expect(variantFor({ version, gpus: gpu === undefined ? [] : [gpu].flat() })).toBe(expected);
});

test.each([
  ['cu126', '525.60.13'],
  ['cu128', '525.60.13'],
  ['cu132', '580.65.06'],
  ['cpu', undefined],
  ['cuda', undefined],
])('%s needs driver %s', (variant, expected) => {
  expect(oldestDriver(variant)).toBe(expected);
  expect(isDriverEnough({ version: '520.0', gpus: [] }, variant)).toBe(expected === undefined);
});

test.each([
  ['580.65.06, 9.0\n', { version: '580.65.06', gpus: [9] }],
  ['580.65.06, 7.5\n580.65.06, 12.0\n', { version: '580.65.06', gpus: [7.5, 12] }],
  ['470.42, [N/A]\n', { version: '470.42', gpus: [] }],
  ['470.42.01\n470.42.01\n', { version: '470.42.01', gpus: [] }],
  ['No devices were found\n', undefined],
  ['', undefined],
])('nvidia-smi answers %j', (csv, expected) => {
  expect(parseQuery(csv)).toEqual(expected);
});

test.each([
  ['NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023', '535.129.03'],
  [
    'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder)',
    '580.65.06',
  ],
  ['GCC version: gcc version 12.2.0', undefined],
])('the driver says %j', (line, expected) => {
  expect(parseDriverFile(`${line}\nGCC version: gcc version 12.2.0 (Debian)\n`)).toBe(expected);
});

/** A driver that nvidia-smi, this script, tells of. */
function findWith(script: string) {
  const folder = writeFiles(temporaryFolder(), { 'nvidia-smi': `#!/bin/sh\n${script}\n` });
  chmodSync(join(folder, 'nvidia-smi'), 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  return findDriver(undefined);
}

test('nvidia-smi is asked', async () => {
  expect(await findWith("echo '570.1, 8.6'")).toEqual({ version: '570.1', gpus: [8.6] });
});

test('one that does not know compute capabilities is asked again without', async () => {
  const script = `
    case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;; esac
    echo 470.42.01`;
  expect(await findWith(script)).toEqual({ version: '470.42.01', gpus: [] });
});

test.each(["echo 'No devices were found'; exit 6", "echo 'No devices were found'", 'exit 0'])(
  'nvidia-smi that finds no device, with `%s`: no driver to use',
  async (script) => {
    expect(await findWith(script)).toBeUndefined();
  },
);

const VERSION = {
  'proc/driver/nvidia/version': 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19\n',
};
const WSL_DRIVER = { 'usr/lib/wsl/lib/libcuda.so.1': '' };
test.each([
  ['a device', { 'dev/nvidiactl': '' }, { version: undefined }],
  ['a device and a version', { 'dev/nvidiactl': '', ...VERSION }, { version: '535.129.03' }],
  ['WSL with a driver', { 'dev/dxg': '', ...WSL_DRIVER }, { version: undefined }],
  ['a version alone, as in a container without a GPU', VERSION, undefined],
  ['WSL alone', { 'dev/dxg': '' }, undefined],
  ['nothing', {}, undefined],
])('the kernel shows %s', (_, files: Files, expected) => {
  expect(peekDriver(writeFiles(temporaryFolder(), files))).toEqual(expected && { ...expected, gpus: [] });
});
