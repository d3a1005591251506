// Proves what the addon tells of its runtime, and that it can end the process at once.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { temporaryFolder } from '../support.js';

test('the number of GPUs goes with what LibTorch can do', () => {
  const { hasCuda, cudaDeviceCount } = loadNative().runtimeInfo();
  expect(Number.isInteger(cudaDeviceCount)).toBe(true);
  expect(cudaDeviceCount).toBeGreaterThanOrEqual(0);
  if (!hasCuda) expect(cudaDeviceCount).toBe(0);
});

test('what a step has needed stays mapped for the next one, though its parts need different sizes', () => {
  const step = [64 << 20, 96 << 20]; // while one is in use, the other lies idle
  expect(loadNative().countMappings([...step, ...step])).toBeGreaterThan(1);
  expect(loadNative().countMappings(step)).toBe(0);
});

test('what lies idle is bounded, however many sizes there were', () => {
  const sizes = Array.from({ length: 8 }, (_, index) => (64 + 8 * index) << 20);
  loadNative().countMappings([...sizes, ...sizes]);
  expect(loadNative().countMappings(sizes)).toBeGreaterThan(0);
});

test('exitImmediately ends the process in the middle of a training, without its exit listeners', () => {
  const url = (path: string) => JSON.stringify(pathToFileURL(join(PACKAGE_ROOT, 'dist/lib', path)).href);
  const source = `
    import { train } from ${url('index.js')};
    import { loadNative } from ${url('native.js')};
    const overrides = ['data_loading=sample', 'model.widths=[8,8,8]', 'training.epochs=1000'];
    process.on('exit', () => console.log('an exit listener'));
    const run = train({ overrides: [...overrides, 'output_dir=' + process.argv[1]] });
    for await (const event of run) if (event.type === 'step') loadNative().exitImmediately(9);`;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', source, temporaryFolder()],
    { encoding: 'utf8' },
  );
  expect({ status, signal, stdout, stderr }).toEqual({ status: 9, signal: null, stdout: '', stderr: '' });
});

test('a training uses the cores that the process may use, not those of the machine', () => {
  const source = `
    import { train } from ${JSON.stringify(pathToFileURL(join(PACKAGE_ROOT, 'dist/lib/index.js')).href)};
    const overrides = ['data_loading=sample', 'model.widths=[8,8,8]', 'training.epochs=0.1', 'training.tta_level=0'];
    const run = train({ overrides: [...overrides, 'output_dir=' + process.argv[1]] });
    for await (const event of run) if (event.type === 'start') console.log(event.threads);`;
  const program = ['taskset', '-c', '0', process.execPath, '--input-type=module', '--eval', source];
  const { stdout, stderr } = spawnSync('env', [...program, temporaryFolder()], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '1\n', stderr: '' });
});
