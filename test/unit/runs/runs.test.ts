// Runs as they are found on the disk: the record of each, their names, their differences.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import {
  compareRuns,
  findRun,
  listRuns,
  RunFolder,
  type RunInfo,
  type RunRecord,
  RunRecorder,
  readRecord,
} from '../../../lib/runs/index.js';
import { temporaryFolder } from '../../support.js';

const PLAN = {
  model: 'fast',
  seed: 0,
  epochs: 2,
  overrides: ['training.epochs=2'],
  version: '0.1.0',
  configYaml: 'training:\n  epochs: 2\n  widths: [8, 8]\noutput_dir: out\n',
};
const START = {
  type: 'start',
  device: 'cpu',
  threads: 2,
  precision: 'bf16',
  trainImages: 1000,
  valImages: 0,
  testImages: 500,
  stepsPerEpoch: 10,
  steps: 20,
  step: 0,
  parameterCount: 5,
} as const;
const FIGURES = { durationSeconds: 3, trainSeconds: 2, testSeconds: 1, imagesPerSecond: 1000 };
const TEST = { accuracy: 0.9, crossEntropy: 0.3, ttaAccuracy: null };

const epoch = (number: number, loss = 1 / number) =>
  ({ type: 'epoch', epoch: number, step: number * 10, loss, accuracy: 0.5, durationSeconds: 1.5 }) as const;

/** A run with one epoch, ended as it is told; still running by default. */
async function makeRun(
  root: string,
  status?: 'finished' | 'stopped' | 'failed',
  configYaml = PLAN.configYaml,
) {
  const folder = await RunFolder.createDated(root, new Date(2026, 0, 31, 9, 5, 7));
  const recorder = await RunRecorder.begin(folder, { ...PLAN, configYaml }, 'stop');
  recorder.add(START);
  recorder.add({ type: 'step', step: 10, epoch: 1, loss: 1, accuracy: 0.5, lrFactor: 1, imagesPerSecond: 9 });
  recorder.add(epoch(1));
  if (status === 'finished')
    await recorder.end(status, { ...FIGURES, test: TEST, checkpoint: 'checkpoint.safetensors' });
  else if (status === 'failed')
    await recorder.end(status, { error: { code: 'OUT_OF_MEMORY', message: 'none left' } });
  else if (status) await recorder.end(status, { durationSeconds: 4, checkpoint: 'last.safetensors' });
  // While the run goes on its record is written behind the events.
  else
    await vi.waitFor(async () => expect(await readRecord(folder.path)).toMatchObject({ step: 10 }), {
      timeout: 20_000,
    });
  return folder;
}

function rewriteRecord(folder: RunFolder, change: Partial<RunRecord>): void {
  const path = folder.pathOf('run.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
}

describe('the files of a run', () => {
  test('are there from its start, and hold each epoch as it ends', async () => {
    const folder = await makeRun(temporaryFolder());
    expect(await folder.readLines('metrics.jsonl')).toEqual([
      '{"epoch":1,"step":10,"loss":1,"accuracy":0.5,"durationSeconds":1.5}',
    ]);
    expect(await folder.readLines('metrics.csv')).toEqual([
      'epoch,step,loss,accuracy,duration_seconds,val_accuracy,val_cross_entropy',
      '1,10,1,0.5,1.5,,',
    ]);
    expect(parse(readFileSync(folder.pathOf('overrides.yaml'), 'utf8'))).toEqual(['training.epochs=2']);
    expect(readFileSync(folder.pathOf('config.yaml'), 'utf8')).toBe(PLAN.configYaml);
    const log = await folder.readLines('train.log');
    expect(log[0]).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z start fast, 5 parameters, seed 0, bf16, cpu, 2 threads$/,
    );
    expect(log.at(-1)).toMatch(/ epoch 1 step 10 loss 1 accuracy 0.5$/);
    expect(await readRecord(folder.path)).toMatchObject({
      status: 'running',
      step: 10,
      steps: 20,
      endedAt: null,
    });
  });

  test('say how it ended', async () => {
    const root = temporaryFolder();
    const finished = await makeRun(root, 'finished');
    expect(await readRecord(finished.path)).toMatchObject({
      status: 'finished',
      step: 10,
      steps: 20,
      test: TEST,
      ...FIGURES,
    });
    expect(
      (await finished.readLines('train.log')).slice(-2).map((line) => line.replace(/^\S+ /, '')),
    ).toEqual(['test accuracy 0.9 cross-entropy 0.3', 'finished, checkpoint.safetensors']);
    const failed = await makeRun(root, 'failed');
    expect(await readRecord(failed.path)).toMatchObject({
      status: 'failed',
      error: { code: 'OUT_OF_MEMORY' },
    });
  });

  test('of a run that goes on forget what came after its state', async () => {
    const folder = await makeRun(temporaryFolder(), 'stopped');
    const late = RunFolder.reopen(folder.path);
    const record = (await readRecord(folder.path)) as RunRecord;
    const val = { accuracy: 0.5, crossEntropy: 1 };
    (await RunRecorder.resume(late, record, { step: 10, plan: null }, 'stop')).add({ ...epoch(2), val }); // and then crashes
    const recorder = await RunRecorder.resume(late, { ...record, val }, { step: 10, plan: null }, 'stop');
    recorder.add(epoch(2, 0.25));
    const steps = (await folder.readLines('metrics.jsonl')).map(
      (line) => JSON.parse(line) as { loss: number },
    );
    expect(steps.map(({ loss }) => loss)).toEqual([1, 0.25]);
    expect((await folder.readLines('metrics.csv')).slice(1)).toEqual([
      '1,10,1,0.5,1.5,,',
      '2,20,0.25,0.5,1.5,,',
    ]);
    const now = (await readRecord(folder.path)) as RunRecord;
    expect(now).toMatchObject({ status: 'running', val: null }); // the epoch that had one is taken back
    expect(now.durationSeconds).toBeGreaterThanOrEqual(4); // of the run before
  });
});

describe('runs', () => {
  test('are listed by the time they began, jobs of sweeps among them', async () => {
    const root = temporaryFolder();
    const [a, b] = [await makeRun(root, 'finished'), await makeRun(join(root, 'multirun'), 'stopped')];
    rewriteRecord(a, { startedAt: '2026-01-31T09:00:00.000Z' });
    rewriteRecord(b, { startedAt: '2026-01-31T08:00:00.000Z' });
    mkdirSync(join(root, 'empty'));
    const runs = await listRuns(root);
    expect(runs.map(({ id, status }) => [id, status])).toEqual([
      ['multirun/2026-01-31/09-05-07', 'stopped'],
      ['2026-01-31/09-05-07', 'finished'],
    ]);
    expect(await listRuns(join(root, 'none'))).toEqual([]);
  });

  test('whose process is gone have crashed', async () => {
    const root = temporaryFolder();
    const folder = await makeRun(root);
    expect((await listRuns(root))[0]).toMatchObject({ status: 'running' });
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    rewriteRecord(folder, { process: { host: hostname(), pid, started: null } });
    expect((await listRuns(root))[0]).toMatchObject({ status: 'crashed' });
    rewriteRecord(folder, { process: { host: 'another-host', pid, started: null } });
    expect((await listRuns(root))[0]).toMatchObject({ status: 'running' });
  });

  test('with a broken record are passed over with a message', async () => {
    const root = temporaryFolder();
    await makeRun(root, 'finished');
    const broken = await makeRun(root, 'finished');
    writeFileSync(broken.pathOf('run.json'), '{"status":');
    const messages: string[] = [];
    expect(await listRuns(root, (message) => messages.push(message))).toHaveLength(1);
    expect(messages).toEqual([expect.stringContaining(broken.pathOf('run.json'))]);
    rewriteRecord(await makeRun(root, 'finished'), { status: 'odd' as 'failed' });
    await expect(readRecord(join(root, '2026-01-31', '09-05-07-3'))).rejects.toMatchObject({
      code: 'RUN_INVALID',
    });
  });

  test('are found by id, by its end, by path and as the latest', async () => {
    const root = temporaryFolder();
    const first = await makeRun(root, 'finished');
    const second = await makeRun(root, 'finished');
    rewriteRecord(first, { startedAt: '2026-01-31T08:00:00.000Z' });
    const ids = ['2026-01-31/09-05-07', '09-05-07', first.path];
    for (const name of ids) expect((await findRun(root, name)).runDir).toBe(first.path);
    for (const name of ['09-05-07-2', 'latest']) expect((await findRun(root, name)).runDir).toBe(second.path);
    await expect(findRun(root, '09-05-08')).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
      nextStep: expect.stringContaining('2026-01-31/09-05-07'),
    });
    await expect(findRun(join(root, 'none'), 'latest')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await makeRun(join(root, 'multirun'), 'finished');
    await expect(findRun(root, '09-05-07')).rejects.toMatchObject({
      message: expect.stringContaining('several runs'),
    });
  });

  test('are compared by the settings that differ and by all figures', async () => {
    const root = temporaryFolder();
    const b = 'training:\n  epochs: 3\n  widths: [8, 8]\n  extra: 1\noutput_dir: out\n';
    const runs = [await makeRun(root, 'finished'), await makeRun(root, 'stopped', b)] as const;
    const [infoA, infoB] = [await findRun(root, runs[0].path), await findRun(root, runs[1].path)];
    const { config, metrics } = await compareRuns(infoA, infoB);
    expect(config).toEqual([
      { key: 'training.epochs', a: 2, b: 3 },
      { key: 'training.extra', a: undefined, b: 1 },
    ]);
    expect(metrics).toContainEqual({ key: 'accuracy', a: 0.9, b: null });
    expect(metrics).toContainEqual({ key: 'durationSeconds', a: 3, b: 4 });
    await runs[1].remove('config.yaml');
    await expect(compareRuns(infoA, infoB as RunInfo)).rejects.toMatchObject({ code: 'RUN_INVALID' });
  });
});
