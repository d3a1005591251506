import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { temporaryFolder } from '../support.js';
import { jsonLines, runCli } from './run-cli.js';

const WEIGHTS = join(PACKAGE_ROOT, 'test/golden/values/state_dict.safetensors');

function importWeights(output: string, ...overrides: string[]) {
  return runCli(['import-weights', '--weights', WEIGHTS, '--output', output, ...overrides, '--json']);
}

test('import-weights makes a checkpoint that evaluate takes', async () => {
  const output = join(temporaryFolder(), 'checkpoint.safetensors');
  const words = ['data_loading=sample', 'model=resnet20', 'model.depth=8', 'model.width=4'];
  const { exitCode, stdout } = await importWeights(output, ...words);
  expect(exitCode).toBe(0);
  expect(jsonLines(stdout)).toEqual([
    { checkpoint: output, model: expect.any(String), parameterCount: 5_214 },
  ]);
  const evaluation = await runCli(['evaluate', '--checkpoint', output, '--json']);
  expect(jsonLines(evaluation.stdout)).toMatchObject([{ imageCount: 500 }]);
});

test('import-weights of another model fails and writes nothing', async () => {
  const output = join(temporaryFolder(), 'checkpoint.safetensors');
  const { exitCode, stdout } = await importWeights(output, 'model=cnn');
  expect(exitCode).toBe(1);
  expect(jsonLines(stdout)).toMatchObject([{ error: { code: 'CHECKPOINT_MISMATCH' } }]);
  expect((await runCli(['evaluate', '--checkpoint', output])).stderr).toContain('CHECKPOINT_NOT_FOUND');
});
