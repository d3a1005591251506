// `bench`: what it says about a net that takes milliseconds, and what it refuses.
import { expect, test } from 'vitest';
import { type BenchResult, bench } from '../../lib/index.js';
import { jsonLines, runCli } from './run-cli.js';

const SMALL = ['model.widths=[16,16,16]'];

test('bench train --json tells images a second, phases, memory and the share of the peak', async () => {
  const { exitCode, stdout, stderr } = await runCli([
    ...['bench', 'train', '--batch', '64', '--steps', '5', '--threads', '2', '--json'],
    ...SMALL,
  ]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const [result] = jsonLines(stdout) as [BenchResult];
  expect(result).toMatchObject({
    mode: 'train',
    precision: 'bf16',
    kernels: 'auto',
    maxWinogradTile: 4,
    batchSize: 64,
    steps: 5,
    device: 'cpu',
    threads: 2,
  });
  expect(result.imagesPerSecond * result.stepSeconds).toBeCloseTo(64, 6);
  for (const seconds of Object.values(result.phaseSeconds)) {
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(result.stepSeconds);
  }
  expect(result.peakMemoryBytes).toBeGreaterThan(50e6);
  expect(result.convolutionPeak).toBeGreaterThan(1e9);
  expect(result.convolutionShare).toBeGreaterThan(0);
});

test('bench infer has no backward pass; the table stays in 80 columns', async () => {
  const { exitCode, stdout } = await runCli([
    ...['bench', 'infer', '--model', 'resnet20', '--batch', '1', '--dtype', 'fp32', '--steps', '4'],
    '--kernels=libtorch',
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^benchmark +infer resnet20, fp32, batch 1, 4 steps$/m);
  expect(stdout).toMatch(/^runs on +cpu, \d+ threads?, kernels: libtorch$/m);
  expect(stdout).toMatch(/^images\/s +\d+$/m);
  expect(stdout).toMatch(/^ +forward +[\d.]+ ms$/m);
  expect(stdout).not.toContain('backward');
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test.each([
  [['bench'], 'Not enough'],
  [['bench', 'fly'], 'Choices: "train", "infer"'],
  [['bench', 'train', '--steps', '2'], '--steps: expected an integer from 3 to 10000, found 2'],
  [['bench', 'train', '--batch', '0'], '--batch: expected an integer from 1 to 50000, found 0'],
  [['bench', 'train', '--model', 'resnet21'], 'resnet20'],
])('%j is wrong usage', async (words, text) => {
  const { exitCode, stderr } = await runCli(words);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(text);
});

test('the library refuses too few steps, and stops when it is told to', async () => {
  await expect(bench({ mode: 'train', steps: 2 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  const signal = AbortSignal.timeout(300);
  const long = bench({ mode: 'train', steps: 10_000, overrides: ['data_loading.batch_size=64'], signal });
  await expect(long).rejects.toMatchObject({ code: 'ABORTED' });
});
