// What a training keeps while it goes on: its state, earlier ones, the best weights; and going on from any of them.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import { evaluate, type KeptEvent, type TrainEvent, type TrainOptions, train } from '../../lib/index.js';
import { temporaryFolder } from '../support.js';

/** 9 steps an epoch, 23 in all; averages, slow weights, a best epoch and mixed labels belong to the state. */
const NET = [
  'data_loading=sample',
  'data_loading.batch_size=90',
  'data_loading.drop_last=false',
  'data_loading.validation=0.2',
  'data_loading.augmentation.mixup_alpha=0.2',
  'model.widths=[8,8,8]',
  'training.epochs=2.5',
  'training.val_interval=2',
  'training.ema_decay=0.9',
  'training.lookahead.steps=4',
  'training.select=best_val_loss',
  'training.tta_level=0',
  'training.threads=1',
];

type Listener = (event: TrainEvent) => void;

async function run(options: TrainOptions, listener: Listener = () => {}) {
  const training = train(options);
  for await (const event of training) listener(event);
  return training;
}

const isState = (event: TrainEvent): event is KeptEvent => event.type === 'kept' && event.step !== null;

/** The end of a run, without what a clock says. */
async function outcome(runDir: string) {
  const { tensors, meta } = await readCheckpoint(join(runDir, 'checkpoint.safetensors'));
  const hash = createHash('sha256');
  for (const [name, { data }] of tensors) hash.update(name).update(data);
  const metrics = readFileSync(join(runDir, 'metrics.jsonl'), 'utf8');
  return {
    weights: hash.digest('hex'),
    figures: meta.metrics,
    metrics: metrics.replace(/"durationSeconds":[^,}]+/g, ''),
  };
}

describe('states', () => {
  test('come when they are due, the newest ones stay, and each can be read while the training goes on', async () => {
    const outputDir = temporaryFolder();
    const steps: number[] = [];
    const files: string[][] = [];
    const overrides = [
      ...NET,
      `output_dir=${outputDir}`,
      'training.checkpoint.every_steps=3',
      'training.checkpoint.keep=3',
    ];
    const read: Promise<number | undefined>[] = [];
    const { runDir } = await run({ overrides }, (event) => {
      if (!isState(event)) return;
      expect(event.error).toBeNull();
      steps.push(event.step as number);
      files.push(readdirSync(join(event.path, '..')).filter((name) => name.endsWith('.safetensors')));
      read.push(readCheckpoint(event.path).then(({ meta }) => meta.progress?.step));
    });
    expect(steps[0]).toBe(3);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
    expect(steps.length).toBeGreaterThan(2);
    for (const [index, step] of (await Promise.all(read)).entries())
      expect(step).toBeGreaterThanOrEqual(steps[index] as number);
    for (const names of files)
      expect(names.filter((name) => name !== 'best.safetensors').length).toBeLessThan(4);
    const left = readdirSync(runDir).filter((name) => name.endsWith('.safetensors'));
    expect(left.filter((name) => name.startsWith('step-'))).toHaveLength(Math.min(2, steps.length - 1));
    expect(left).toContain('checkpoint.safetensors');
    expect(left).not.toContain('last.safetensors');
    expect(left).not.toContain('best.safetensors');
  });

  const countOf = async (override: string) => {
    let count = 0;
    await run({ overrides: [...NET, `output_dir=${temporaryFolder()}`, override] }, (event) => {
      if (isState(event)) count++;
    });
    return count;
  };

  test('by time come as often as asked for', async () => {
    expect(await countOf('training.checkpoint.every_minutes=0.000001')).toBeGreaterThan(3);
  });

  test('are no more than asked for', async () => {
    expect(await countOf('training.checkpoint.every_minutes=null')).toBe(0);
  });
});

test('the weights of the best epoch are there while the training goes on, with their figures', async () => {
  const seen: { epoch: unknown; val: unknown; crossEntropy: number }[] = [];
  const pending: Promise<void>[] = [];
  const outputDir = temporaryFolder();
  await run({ overrides: [...NET, `output_dir=${outputDir}`, 'training.epochs=6'] }, (event) => {
    if (event.type !== 'kept' || event.step !== null) return;
    const look = async () => {
      const copy = join(outputDir, `best-${pending.length}.safetensors`);
      renameSync(event.path, copy); // the next one takes its place
      const { meta } = await readCheckpoint(copy);
      const { crossEntropy } = await evaluate({ checkpoint: copy, threads: 1 });
      seen.push({ epoch: meta.metrics.epoch, val: meta.metrics.val, crossEntropy });
    };
    pending.push(look());
  });
  await Promise.all(pending);
  expect(seen.length).toBeGreaterThan(0);
  for (const { epoch, val, crossEntropy } of seen) {
    expect(epoch).toBeGreaterThan(0);
    expect(val).toMatchObject({ crossEntropy: expect.any(Number) });
    expect(crossEntropy).toBeLessThan(3);
  }
});

describe('going on from a state', () => {
  /** The first, the last but one of the training, those at the edges of epochs, and others. */
  const AFTER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 22];
  const folder = { path: '' };
  const whole = () => run({ overrides: [...NET, `output_dir=${folder.path}`] });

  /** Stops as soon as there is the state of that step. Behind the last but one a training may be faster, and is begun anew. */
  async function stopWithState(step: number): Promise<string> {
    for (;;) {
      const controller = new AbortController();
      const keep = [`training.checkpoint.every_steps=${step}`, 'training.checkpoint.keep=100'];
      const overrides = [...NET, `output_dir=${folder.path}`, ...keep];
      let runDir = '';
      try {
        await run({ overrides, signal: controller.signal }, (event) => {
          if (event.type === 'start') ({ runDir } = event);
          if (isState(event)) controller.abort();
        });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ABORTED' });
        return runDir;
      }
    }
  }

  test.each(AFTER)('after step %i ends as if nobody had stopped', async (step) => {
    folder.path = temporaryFolder();
    const expected = await outcome((await whole()).runDir);
    const runDir = await stopWithState(step);
    const name = `step-${String(step).padStart(9, '0')}.safetensors`;
    const states = readdirSync(runDir).filter((each) => each === name || each === 'last.safetensors');
    const resume = join(runDir, states.includes(name) ? name : 'last.safetensors');
    const { meta } = await readCheckpoint(resume);
    expect(meta.progress?.step).toBe(step);
    await run({ resume });
    expect(await outcome(runDir)).toEqual(expected);
    expect(basename(resume)).toBe(name);
  });

  test('that others have gone on from behind it forgets them', async () => {
    const outputDir = temporaryFolder();
    const controller = new AbortController();
    const keep = ['training.checkpoint.every_steps=2', 'training.checkpoint.keep=100'];
    let runDir = '';
    const stopped = run(
      { overrides: [...NET, `output_dir=${outputDir}`, ...keep], signal: controller.signal },
      (event) => {
        if (event.type === 'start') ({ runDir } = event);
        if (event.type === 'step' && event.step >= 12) controller.abort();
      },
    );
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    const states = readdirSync(runDir).filter((name) => name.startsWith('step-'));
    expect(states.length).toBeGreaterThan(1);
    const again = new AbortController();
    const resumed = run(
      { resume: join(runDir, states.sort()[0] as string), signal: again.signal },
      (event) => {
        if (event.type === 'start') {
          expect(event.step).toBe(2);
          again.abort();
        }
      },
    );
    await expect(resumed).rejects.toMatchObject({ code: 'ABORTED' });
    expect(readdirSync(runDir).filter((name) => name.startsWith('step-'))).toEqual(states.slice(0, 1));
  });
});

describe('a run that goes on with other settings', () => {
  async function stoppedRun() {
    const controller = new AbortController();
    let runDir = '';
    const stopped = run(
      { overrides: [...NET, `output_dir=${temporaryFolder()}`], signal: controller.signal },
      (event) => {
        if (event.type === 'start') ({ runDir } = event);
        if (event.type === 'step') controller.abort();
      },
    );
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    return runDir;
  }

  test('is refused by the names of all that would change its end, and forced on request', async () => {
    const resume = await stoppedRun();
    const overrides = ['training.threads=2', 'training.optimizer.lr=0.1', 'training.epochs=3'];
    await expect(train({ resume, overrides })).rejects.toMatchObject({
      code: 'RUN_CHANGED',
      found: 'training.epochs: 2.5, now 3; training.threads: 1, now 2; training.optimizer.lr: 0.24, now 0.1',
      nextStep: expect.stringContaining('--force'),
    });
    const result = await train({ resume, overrides, force: true });
    expect(result.steps).toBe(27);
    const log = readFileSync(join(result.runDir, 'train.log'), 'utf8');
    expect(log).toContain('forced: training.optimizer.lr: 0.24, now 0.1');
  });

  test('may change where and how often it keeps its state', async () => {
    const resume = await stoppedRun();
    const overrides = ['training.checkpoint.every_steps=2', 'training.checkpoint.keep=2'];
    let count = 0;
    await run({ resume, overrides }, (event) => {
      if (isState(event)) count++;
    });
    expect(count).toBeGreaterThan(0);
  });

  test('of another shape is refused even when forced', async () => {
    const resume = await stoppedRun();
    const overrides = ['model.widths=[8,8,16]'];
    await expect(train({ resume, overrides, force: true })).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
    });
  });
});
