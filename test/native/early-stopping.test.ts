// Ends that the figures of a run bring about: no improvement, a best epoch, a loss that is not finite.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import { evaluate } from '../../lib/evaluate.js';
import { listRuns } from '../../lib/runs/index.js';
import { type TrainEvent, train } from '../../lib/train.js';
import { temporaryFolder } from '../support.js';

const SMALL = [
  'data_loading=sample',
  'model=cnn',
  'model.widths=[8]',
  'training=standard',
  'training.optimizer.lr=0.05',
  'training.threads=1',
];
const CONSTANT = 'training.schedule={name: constant, warmup_fraction: 0}';

async function run(...overrides: string[]) {
  const events: TrainEvent[] = [];
  const training = train({ overrides: [...SMALL, `output_dir=${temporaryFolder()}`, ...overrides] });
  for await (const event of training) events.push(event);
  const epochs = events.flatMap((event) => (event.type === 'epoch' ? [event] : []));
  return { result: await training, epochs };
}

const stopping = (monitor: string, patience: number, minDelta: number) =>
  `training.early_stopping={monitor: ${monitor}, patience: ${patience}, min_delta: ${minDelta}}`;

describe('early stopping', () => {
  test.each([
    ['val_loss', 0, 2],
    ['val_accuracy', 1, 3],
    ['train_loss', 2, 4],
    ['train_accuracy', 0, 2],
  ])(
    'by %s with a patience of %d ends after epoch %d when nothing is an improvement',
    async (monitor, patience, last) => {
      const { result, epochs } = await run(
        'training.epochs=6',
        'data_loading.validation=0.2',
        stopping(monitor, patience, 10),
      );
      expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
      expect(result).toMatchObject({ hasEndedEarly: true, steps: last * 8, bestEpoch: null });
      expect(result.test.accuracy).toBeGreaterThan(0);
    },
  );

  test('counts validations where not every epoch has one', async () => {
    const { result, epochs } = await run(
      'training.epochs=9',
      'data_loading.validation=0.2',
      'training.val_interval=2',
      stopping('val_loss', 1, 10),
    );
    expect(epochs.map(({ val }) => val !== undefined)).toEqual([false, true, false, true, false, true]);
    expect(result).toMatchObject({ hasEndedEarly: true, steps: 6 * 8 });
  });

  test('by a figure of the training validates the epoch that it ends, whenever that comes', async () => {
    const { result, epochs } = await run(
      'training.epochs=9',
      'data_loading.validation=0.2',
      'training.val_interval=5',
      'training.select=best_val_loss',
      stopping('train_loss', 1, 10),
    );
    expect(epochs.map(({ val }) => val !== undefined)).toEqual([false, false, true]);
    expect(result).toMatchObject({ hasEndedEarly: true, bestEpoch: 3, val: epochs[2]?.val });
  });

  test('lets a run that goes on improving come to its end', async () => {
    const { result } = await run('training.epochs=3', stopping('train_loss', 0, 0));
    expect(result).toMatchObject({ hasEndedEarly: false, steps: 30 });
  });
});

describe('the best epoch', () => {
  test.each(['val_loss', 'val_accuracy'] as const)(
    'by %s is the one that is tested and saved',
    async (figure) => {
      const split = 'data_loading.validation=0.2';
      const { result, epochs } = await run(
        'training.epochs=5',
        split,
        CONSTANT,
        `training.select=best_${figure}`,
      );
      const values = epochs.map(({ val }) =>
        figure === 'val_loss' ? -(val?.crossEntropy ?? 0) : (val?.accuracy ?? 0),
      );
      const best = values.indexOf(Math.max(...values)) + 1;
      expect(result.bestEpoch).toBe(best);
      // Without a schedule a shorter run comes by the same weights.
      const short = await run(`training.epochs=${best}`, split, CONSTANT);
      const weights = async (path: string) => (await readCheckpoint(path)).tensors;
      expect(await weights(result.checkpoint)).toEqual(await weights(short.result.checkpoint));
      expect(result.test).toEqual(short.result.test);
    },
  );

  test('is one that was validated', async () => {
    const { result, epochs } = await run(
      'training.epochs=5',
      'data_loading.validation=0.2',
      'training.val_interval=3',
      'training.select=best_val_loss',
    );
    const validated = epochs.filter(({ val }) => val !== undefined);
    expect(validated.map(({ epoch }) => epoch)).toEqual([3, 5]);
    const losses = validated.map(({ val }) => val?.crossEntropy ?? Infinity);
    expect(result.bestEpoch).toBe((losses[0] as number) > (losses[1] as number) ? 5 : 3);
    expect(result.val?.crossEntropy).toBe(Math.min(...losses));
  });

  test.each([
    ['training.select=best_val_accuracy', 'expected last; the best epoch only where data_loading.validation'],
    [stopping('val_loss', 1, 0), 'a val figure only where data_loading.validation'],
  ])('%s needs images that are held out', async (override, message) => {
    await expect(run(override)).rejects.toMatchObject({
      code: 'CONFIG_INVALID_VALUE',
      message: expect.stringContaining(message),
    });
  });
});

describe('a loss that is not finite', () => {
  const ONE_STEP_AN_EPOCH = 'data_loading.batch_size=1000';
  /** Nothing is learned in the first epoch; the second throws the weights off, the third sees it. */
  const EXPLODING = [
    ONE_STEP_AN_EPOCH,
    'training.epochs=4',
    'training.optimizer.lr=1e30',
    'training.schedule={name: triangular, start_fraction: 0, peak_fraction: 0.5, final_fraction: 1}',
  ];

  test.each([
    [
      'of validation',
      ['data_loading.validation=0.2', 'data_loading.batch_size=800'],
      'cross-entropy in validation',
    ],
    ['of the test, after the last step', ['training.epochs=2'], 'cross-entropy in the test'],
  ])('in the figures %s is found', async (_where, more, figure) => {
    const folder = temporaryFolder();
    const training = train({ overrides: [...SMALL, ...EXPLODING, `output_dir=${folder}`, ...more] });
    await expect(training).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(`at step 2.*expected a finite ${figure}.*after step 1, is in ".*last`),
    });
    const [run] = await listRuns(folder);
    expect(run).toMatchObject({ status: 'failed', step: 1, checkpoint: 'last.safetensors' });
    await expect(train({ resume: run?.runDir })).rejects.toMatchObject({
      code: 'RUN_NOT_RESUMABLE',
      message: expect.stringContaining('diverged, and would do so again'),
      nextStep: expect.stringContaining('--force'),
    });
  });

  test('leaves the last state that was good, as a checkpoint to evaluate', async () => {
    const folder = temporaryFolder();
    const training = train({ overrides: [...SMALL, ...EXPLODING, `output_dir=${folder}`] });
    const error = await training.then(
      () => undefined,
      (reason: unknown) => reason as Error & { nextStep: string },
    );
    expect(error).toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(
        /at step 3, at a learning rate of 1e\+30 \(100 % of its peak\).*after step 1, is in ".*last\.safetensors"/,
      ),
      nextStep: expect.stringContaining('training.optimizer'),
    });
    const [day = ''] = readdirSync(folder);
    const [time = ''] = readdirSync(join(folder, day));
    const runDir = join(folder, day, time);
    const record = JSON.parse(readFileSync(join(runDir, 'run.json'), 'utf8'));
    expect(record).toMatchObject({ status: 'failed', step: 1, error: { code: 'TRAINING_DIVERGED' } });
    const figures = await evaluate({ checkpoint: join(runDir, 'last.safetensors'), threads: 1 });
    expect(Number.isFinite(figures.crossEntropy)).toBe(true);
    expect(existsSync(join(runDir, 'checkpoint.safetensors'))).toBe(false);
  });
});

test('a part of a batch must be a whole number of images', async () => {
  await expect(run('training.accumulation_steps=3')).rejects.toMatchObject({
    code: 'CONFIG_INVALID_VALUE',
    message: expect.stringContaining('a number that divides data_loading.batch_size'),
  });
});
