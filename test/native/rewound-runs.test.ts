// Runs that go on from an earlier state, with other settings, or not at all: nothing of them is lost before it is sure that
// they go on, and their files tell what they are then.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import { TrainingStopped, train } from '../../lib/index.js';
import { thisProcess } from '../../lib/process-identity.js';
import type { RunRecorder } from '../../lib/runs/index.js';
import { planTraining } from '../../lib/training-plan.js';
import { temporaryFolder } from '../support.js';

/** 4 steps an epoch, 24 in all; a state after each step stays. */
const NET = [
  'data_loading=sample',
  'data_loading.batch_size=200',
  'data_loading.validation=0.2',
  'model.widths=[8,8,8]',
  'training.epochs=6',
  'training.select=best_val_loss',
  'training.tta_level=0',
  'training.threads=1',
  'training.checkpoint.every_steps=1',
  'training.checkpoint.keep=100',
];
const STOPPED_AT = 18;

let runDir: string;
const path = (name: string) => join(runDir, name);
const states = () => readdirSync(runDir).filter((name) => name.startsWith('step-'));
const earlier = (atMost: number) =>
  path(
    states()
      .filter((name) => name <= stateName(atMost))
      .at(-1) as string,
  );
const stateName = (step: number) => `step-${String(step).padStart(9, '0')}.safetensors`;
const stepOf = async (file: string) => (await readCheckpoint(file)).meta.progress?.step as number;
const record = () => JSON.parse(readFileSync(path('run.json'), 'utf8')) as Record<string, unknown>;
const epochs = () =>
  readFileSync(path('metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { epoch: number }).epoch);
/** All files but the log, which only grows. */
const contents = () =>
  Object.fromEntries(
    readdirSync(runDir)
      .filter((name) => name !== 'train.log')
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(path(name)))
          .digest('hex'),
      ]),
  );

/** As if the process had been killed: it is one that is gone. */
async function seemCrashed(recorder: RunRecorder): Promise<void> {
  await recorder.settle();
  const process = { ...thisProcess(), pid: 2 ** 30 };
  writeFileSync(path('run.json'), JSON.stringify({ ...record(), process }));
}

async function stopAt(step: number, options: Parameters<typeof train>[0]): Promise<string> {
  const controller = new AbortController();
  const run = train({ ...options, signal: controller.signal });
  try {
    for await (const event of run) if (event.type === 'step' && event.step === step) controller.abort();
    await run;
  } catch (error) {
    if (error instanceof TrainingStopped) return error.runDir;
    throw error;
  }
  throw new Error('the training was not stopped');
}

beforeEach(async () => {
  runDir = await stopAt(STOPPED_AT, { overrides: [...NET, `output_dir=${temporaryFolder()}`] });
});

describe('a run that goes on from an earlier state', () => {
  test('and is killed before its first save goes on from that state again, and has all epochs in the end', async () => {
    const file = earlier(10);
    const step = await stepOf(file);
    // As far as a process comes that is killed then.
    const { recorder } = await (await planTraining({ resume: file })).openRun();
    await seemCrashed(recorder);
    expect(await stepOf(path('last.safetensors'))).toBe(step);
    const steps: number[] = [];
    const run = train({ resume: runDir });
    for await (const event of run) if (event.type === 'start') steps.push(event.step);
    await run;
    expect(steps).toEqual([step]);
    expect(epochs()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('has the best weights of then', async () => {
    const { meta } = await readCheckpoint(earlier(9));
    const best = meta.progress?.best.epoch as number;
    expect(best).toBeGreaterThan(0);
    writeFileSync(path('best.safetensors'), 'of an epoch that is taken back');
    const { recorder } = await (await planTraining({ resume: earlier(9) })).openRun();
    await seemCrashed(recorder);
    expect((await readCheckpoint(path('best.safetensors'))).meta.metrics).toMatchObject({
      epoch: best,
      val: { accuracy: expect.any(Number) },
    });
  });

  test('needs no newest one, and one that is damaged names the earlier ones', async () => {
    truncateSync(path('last.safetensors'), 1000);
    await expect(train({ resume: runDir })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      nextStep: expect.stringContaining(`train --resume ${path(states().at(-1) as string)}`),
    });
    rmSync(path('last.safetensors'));
    expect(await train({ resume: path(states().at(-1) as string) })).toMatchObject({ steps: 24 });
    expect(epochs()).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

test('a folder that refuses a part of it leaves a run that can go on, with an error of a code', async () => {
  rmSync(path('best.safetensors'), { force: true });
  mkdirSync(path('best.safetensors'));
  await expect(train({ resume: earlier(2) })).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
  expect(record()).toMatchObject({ status: 'stopped' });
  rmdirSync(path('best.safetensors'));
  expect(await train({ resume: runDir })).toMatchObject({ steps: 24 });
});

test('a stop before it has begun changes nothing', async () => {
  const before = contents();
  const controller = new AbortController();
  const prepare = async () => controller.abort();
  await expect(train({ resume: earlier(10), prepare, signal: controller.signal })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(contents()).toEqual(before);
});

describe('nothing is changed by a run that cannot go on', () => {
  test.each<[string, string[], string]>([
    ['with other batches', ['data_loading.batch_size=100'], 'CHECKPOINT_MISMATCH'],
    ['with a moving average', ['training.ema_decay=0.9'], 'CHECKPOINT_MISMATCH'],
    ['with fewer epochs than it has done', ['training.epochs=1'], 'CHECKPOINT_MISMATCH'],
    [
      'with another dataset',
      ['data_loading.source=cifar10', 'data_loading.data_dir=/nowhere'],
      'DATASET_NOT_FOUND',
    ],
  ])('%s', async (_, overrides, code) => {
    const before = contents();
    await expect(train({ resume: earlier(10), overrides, force: true })).rejects.toMatchObject({ code });
    expect(contents()).toEqual(before);
  });

  test.each(['training=standard', 'model=resnet20', '+experiment=resnet18', 'data_loading=cifar10'])(
    'by the choice of a group, %s',
    async (choice) => {
      const before = contents();
      await expect(train({ resume: runDir, overrides: [choice], force: true })).rejects.toMatchObject({
        code: 'CONFIG_INVALID_OVERRIDE',
        found: choice,
      });
      expect(contents()).toEqual(before);
    },
  );

  test('by the name of a file that is no state', async () => {
    copyFileSync(path('last.safetensors'), path('copy.safetensors'));
    await expect(train({ resume: path('copy.safetensors') })).rejects.toMatchObject({
      code: 'RUN_NOT_RESUMABLE',
      expected: expect.stringContaining('last.safetensors'),
    });
  });
});

describe('a run that is forced on', () => {
  test('with other settings has them in its record and its configuration', async () => {
    const overrides = ['training.epochs=7', 'training.optimizer.lr=0.01'];
    await train({ resume: runDir, overrides, force: true });
    expect(record()).toMatchObject({
      status: 'finished',
      epochs: 7,
      overrides: expect.arrayContaining(['training.epochs=6', ...overrides]),
    });
    expect(readFileSync(path('config.yaml'), 'utf8')).toMatch(/^ {2}epochs: 7$/m);
    expect(readFileSync(path('overrides.yaml'), 'utf8')).toContain('training.optimizer.lr=0.01');
  });

  test('and killed before its first save keeps them', async () => {
    const overrides = ['training.optimizer.lr=0.01'];
    const { recorder } = await (await planTraining({ resume: runDir, overrides, force: true })).openRun();
    await seemCrashed(recorder);
    const { config } = await planTraining({ resume: runDir });
    expect(config.training.optimizer.lr).toBe(0.01);
  });

  test('but never while this process is at it', async () => {
    const run = train({ overrides: [...NET, `output_dir=${temporaryFolder()}`, 'training.epochs=60'] });
    for await (const event of run) {
      if (event.type !== 'start') continue;
      await expect(train({ resume: event.runDir, force: true })).rejects.toMatchObject({
        code: 'RUN_NOT_RESUMABLE',
      });
    }
    await run;
  });

  test('after it diverged', async () => {
    const error = { code: 'TRAINING_DIVERGED', message: 'the loss is no longer finite' };
    writeFileSync(path('run.json'), JSON.stringify({ ...record(), status: 'failed', error }));
    await expect(train({ resume: runDir })).rejects.toMatchObject({
      code: 'RUN_NOT_RESUMABLE',
      nextStep: expect.stringContaining('--force'),
    });
    const overrides = ['training.optimizer.lr=0.001'];
    expect(await train({ resume: runDir, overrides, force: true })).toMatchObject({ steps: 24 });
  });
});
