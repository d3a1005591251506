import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { doctor } from '../../lib/doctor.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-doctor-'));
  vi.stubEnv('LIBTORCH', join(folder, 'none'));
  vi.stubEnv('CIFAR10_TORCH_CACHE', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function checkOf(name: string) {
  const { checks } = await doctor();
  return checks.find((check) => check.name === name);
}

test('the machine is described and nothing is created', async () => {
  const { checks } = await doctor();
  const found = Object.fromEntries(checks.map((check) => [check.name, check.found]));
  expect(found['Node.js']).toBe(process.versions.node);
  expect(found.platform).toMatch(/^linux (x64|arm64), glibc 2\.\d+$/);
  expect(found.processor).toMatch(/^\d+ cores, /);
  expect(found['disk space']).toMatch(/^\d+\.\d GiB free/);
  expect(readdirSync(folder)).toEqual([]);
});

test('a missing LibTorch is a failure with code and next step, and the report is not healthy', async () => {
  const { isHealthy, checks } = await doctor();
  expect(isHealthy).toBe(false);
  const libtorch = checks.find(({ name }) => name === 'LibTorch');
  expect(libtorch).toMatchObject({ status: 'failure', nextStep: expect.stringContaining('install-runtime') });
  expect(libtorch?.found).toMatch(/^LIBTORCH_NOT_FOUND: "/);
  expect(libtorch?.found).not.toContain('Next step');
  expect(checks.find(({ name }) => name === 'addon loads')).toMatchObject({ status: 'failure' });
});

test('a whole LibTorch is named with version and source', async () => {
  const path = join(folder, 'torch');
  mkdirSync(join(path, 'lib'), { recursive: true });
  const libraries = ['libc10.so', 'libtorch_cpu.so', 'libtorch.so', 'libgomp.so.1'];
  for (const name of libraries) writeFileSync(join(path, 'lib', name), '');
  writeFileSync(join(path, 'build-version'), '2.13.0+cpu');
  vi.stubEnv('LIBTORCH', path);
  expect(await checkOf('LibTorch')).toEqual({
    name: 'LibTorch',
    status: 'ok',
    found: `2.13.0 (cpu) from the environment: ${path}`,
  });
});

test('a cache folder that cannot be written is a failure', async () => {
  writeFileSync(join(folder, 'file'), '');
  vi.stubEnv('CIFAR10_TORCH_CACHE', join(folder, 'file/cache'));
  expect(await checkOf('cache folder')).toMatchObject({
    status: 'failure',
    nextStep: expect.stringContaining('CIFAR10_TORCH_CACHE'),
  });
});
