// `models`: the table of all models, one of them with its tensors, and those of a folder of one's own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listModels, listOptions, type ModelInfo } from '../../lib/index.js';
import { PUBLISHED_ACCURACY } from '../../lib/model-catalog.js';
import { temporaryFolder } from '../support.js';
import { jsonLines, runCli } from './run-cli.js';

test('models is a table of every option, in 80 columns', async () => {
  const { exitCode, stdout, stderr } = await runCli(['models']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const [head = '', ...rows] = stdout.trimEnd().split('\n');
  expect(head.split(/ {2,}/)).toEqual(['model', 'parameters', 'multiply-adds', 'accuracy', 'source']);
  expect(rows.map((row) => row.split(' ')[0])).toEqual(listOptions('model'));
  const row = (option: string) => rows.find((line) => line.startsWith(`${option} `))?.split(/ {2,}/);
  expect(row('resnet20')).toEqual(['resnet20', '272,474', '40.8 M', '92.60 %', 'pytorch-cifar-models']);
  expect(row('cnn')).toEqual(['cnn', '1,148,874', '153 M', '-', '-']);
  expect(row('wrn28_10')?.slice(2, 4)).toEqual(['5.24 G', '96.00 %']);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('models --json tells the same as the library, with sources', async () => {
  const [models] = jsonLines((await runCli(['models', '--json'])).stdout) as [ModelInfo[]];
  expect(models).toEqual(listModels());
  expect(models.find(({ option }) => option === 'wrn28_10')).toEqual({
    option: 'wrn28_10',
    label: 'wrn28_10',
    parameterCount: 36_479_194,
    multiplyAdds: expect.any(Number),
    published: {
      accuracy: 0.96,
      source: 'arXiv 1605.07146',
      url: 'https://arxiv.org/abs/1605.07146',
      note: expect.stringContaining('as the paper has it'),
    },
  });
});

test('every published figure belongs to an option, and is a fraction with an address', () => {
  expect(listOptions('model')).toEqual(expect.arrayContaining(Object.keys(PUBLISHED_ACCURACY)));
  for (const { accuracy, url } of Object.values(PUBLISHED_ACCURACY)) {
    expect(accuracy).toBeGreaterThan(0.9);
    expect(accuracy).toBeLessThan(0.97);
    expect(new URL(url).protocol).toBe('https:');
  }
});

test('models <option> shows the tensors of one', async () => {
  const { exitCode, stdout } = await runCli(['models', 'fast96']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^model +fast96, in tables of runs "fast"$/m);
  expect(stdout).toMatch(/^accuracy +96\.03 %$/m);
  expect(stdout).toMatch(/^ {2}source +https:\/\/github\.com\/KellerJordan\/\S+$/m);
  expect(stdout).toMatch(/^group3\.conv3\.weight +\[512, 512, 3, 3\] +F32$/m);
  const [model] = jsonLines((await runCli(['models', 'cnn', '--json'])).stdout) as [object];
  expect(model).toMatchObject({
    option: 'cnn',
    published: null,
    tensors: expect.arrayContaining([{ name: 'fc.weight', dtype: 'F32', shape: [10, 256] }]),
  });
});

test('models of a folder of one’s own are listed; what is wrong with one is told', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'model'));
  writeFileSync(join(folder, 'model', 'narrow.yaml'), 'defaults: [resnet20, _self_]\nwidth: 8\n');
  const [models] = jsonLines((await runCli(['models', '--config-dir', folder, '--json'])).stdout) as [
    ModelInfo[],
  ];
  expect(models).toContainEqual(
    expect.objectContaining({ option: 'narrow', label: 'resnet20_w8', published: null }),
  );
  writeFileSync(join(folder, 'model', 'narrow.yaml'), 'defaults: [resnet20, _self_]\nwidth: 0\n');
  const failed = await runCli(['models', '--config-dir', folder]);
  expect(failed).toMatchObject({ exitCode: 2, stdout: '' });
  expect(failed.stderr).toMatch(/CONFIG_INVALID_VALUE: .*narrow\.yaml:2:8.*from 1 to 1024, found 0/);
});

test('models of an unknown option names the nearest', async () => {
  const { exitCode, stderr } = await runCli(['models', 'resnet21']);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^error CONFIG_UNKNOWN_OPTION: .*"resnet20"/);
});
