// `schedule`: the learning rate of a run, held against what a run of the same options does.
import { expect, test } from 'vitest';
import { planSchedule, type SchedulePlan } from '../../lib/index.js';
import { type TrainEvent, train } from '../../lib/train.js';
import { temporaryFolder } from '../support.js';
import { jsonLines, runCli, TINY } from './run-cli.js';

test.each([
  [['training.epochs=1.5']],
  [['data_loading.validation=0.25', 'training.epochs=2', 'data_loading.batch_size=70']],
  [['data_loading.batch_size=300', 'data_loading.drop_last=false', 'training.epochs=1']],
])('%j has the steps and the learning rates of the run', async (overrides) => {
  const all = [...TINY, 'training.threads=1', ...overrides];
  const plan = planSchedule({ overrides: all });
  const events: TrainEvent[] = [];
  for await (const event of train({ overrides: [...all, `output_dir=${temporaryFolder()}`] }))
    events.push(event);
  expect(events[0]).toMatchObject({ steps: plan.steps, stepsPerEpoch: plan.stepsPerEpoch });
  const factors = events.flatMap((event) => (event.type === 'step' ? [event.lrFactor] : []));
  expect(factors).toEqual(plan.lrFactors);
});

test('prints a table and draws the curve in 80 columns', async () => {
  const { exitCode, stdout, stderr } = await runCli(['schedule', '--plot', '+experiment=fast94_sgd']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^schedule +triangular\nlength +9\.9 epochs of 48 steps, 476 steps$/m);
  expect(stdout).toMatch(/^ *step +epoch +factor +lr weights +lr norms$/m);
  expect(stdout).toMatch(/^ *1 +0\.00 +0\.2000 +0\.0002930 +0\.01875$/m);
  expect(stdout).toMatch(/^ *110 +2\.27 +1\.0000 /m);
  expect(stdout).toMatch(/^1\.00┤.*┏.*$/m);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('of a run of many steps', async () => {
  const words = ['schedule', '--plot', '+experiment=resnet20', 'data_loading.batch_size=10', '--json'];
  const { exitCode, stdout } = await runCli(words);
  expect(exitCode).toBe(0);
  const [plan] = jsonLines(stdout) as [SchedulePlan];
  expect(plan).toMatchObject({ steps: 1_000_000, peakLr: { all: 0.1 } });
  expect((await runCli(words.slice(0, -1))).exitCode).toBe(0);
});

test('refuses what the training would refuse', async () => {
  const { exitCode, stderr } = await runCli([
    'schedule',
    'data_loading=sample',
    'data_loading.batch_size=2000',
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/DATASET_TOO_SMALL.*at most the 1000 train images, found 2000/s);
});
