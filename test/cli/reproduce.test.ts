// scripts/reproduce.mjs: several seeds of one recipe, their mean, nothing done twice.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { locateLibtorch } from '../../lib/libtorch/index.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { temporaryFolder } from '../support.js';
import { collect, TINY } from './run-cli.js';

interface Spread {
  mean: number;
  deviation: number | null;
}
interface Reproduction {
  figures: Record<'accuracy' | 'imagesPerSecond', Spread> & { ttaAccuracy: Spread | null };
  runs: { seed: number; accuracy: number; runDir: string; device: string }[];
}

function reproduce(...words: string[]) {
  const script = join(PACKAGE_ROOT, 'scripts/reproduce.mjs');
  const env = { ...process.env, LIBTORCH: locateLibtorch().path };
  return collect(spawn(process.execPath, [script, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

function readResult(stderr: string): Reproduction {
  const path = /^written to (.+)$/m.exec(stderr)?.[1] as string;
  return JSON.parse(readFileSync(path, 'utf8')) as Reproduction;
}

test('two seeds give a row with mean and deviation; one more seed runs only that one', async () => {
  // The experiment chooses the data and the training; a small model keeps the test short.
  const small = TINY.filter((word) => !word.startsWith('training='));
  const words = ['resnet20', ...small, 'training.epochs=1', `output_dir=${temporaryFolder()}`];
  const first = await reproduce(...words, '--seeds', '2');
  expect(first).toMatchObject({ exitCode: 0 });
  const { runs, figures } = readResult(first.stderr);
  const [a, b] = runs.map(({ accuracy }) => accuracy) as [number, number];
  expect(runs.map(({ seed }) => seed)).toEqual([0, 1]);
  expect(runs[0]?.device).toBe('cpu');
  expect(a).not.toBe(b);
  expect(figures.accuracy.mean).toBeCloseTo((a + b) / 2, 12);
  expect(figures.accuracy.deviation).toBeCloseTo(Math.abs(a - b) / Math.SQRT2, 12);
  expect(figures.ttaAccuracy).toBeNull();
  expect(first.stdout.trimEnd().split('\n')).toHaveLength(3);
  expect(first.stdout).not.toContain('output_dir');
  expect(first.stdout).toContain(`| 2 | ${(50 * (a + b)).toFixed(2)} ± `);
  expect(first.stderr).toContain('job 2/2');

  const second = await reproduce(...words, '--seeds', '3');
  expect(second.stderr).not.toContain('job 1/3:');
  expect(second.stderr).toContain('job 3/3:');
  expect(readResult(second.stderr).runs.slice(0, 2)).toEqual(runs);
});

test.each([[[]], [['resnet20', '--seeds', '0']], [['resnet20', 'training.seed=1']]])(
  '%j is wrong usage',
  async (words: string[]) => {
    const { exitCode, stdout, stderr } = await reproduce(...words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^reproduce: .*--seeds/);
  },
);

test('an experiment that is not there ends as the command does', async () => {
  const { exitCode, stdout, stderr } = await reproduce('resnet2000_sgd');
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toContain('resnet2000_sgd');
});
