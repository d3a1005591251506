// A training that is stopped loses nothing: signals, what is saved, and the run that goes on.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support.js';
import { collect, jsonLines, runCli, startCli, TINY } from './run-cli.js';

const NET = [...TINY, 'training.epochs=30'];
/** So large that one thread takes seconds for a step of a few hundred images. */
const LARGE_NET = [
  'data_loading=sample',
  'model=resnet18',
  'model.width=40',
  'training.precision=fp32',
  'training.threads=1',
];

/** Trains until the epoch is reported, sends the signal, once or more, and waits for the end. */
async function trainUntil(
  signal: NodeJS.Signals,
  epoch: number,
  words: readonly string[],
  { times = 1 } = {},
) {
  const child = startCli(['train', ...words]);
  const collected = collect(child);
  let sentMs = 0;
  child.stderr?.on('data', (chunk) => {
    if (sentMs > 0 || !String(chunk).includes(`epoch ${epoch}/`)) return;
    sentMs = performance.now();
    child.kill(signal);
    // In turns of their own: two that are pending at once are one.
    for (let more = 1; more < times; more++) setTimeout(() => child.kill(signal), 20 * more);
  });
  const result = await collected;
  return { ...result, afterMs: performance.now() - sentMs };
}

interface Stopped {
  error: { code: string; message: string };
  runDir: string;
  checkpoint: string;
  step: number;
  steps: number;
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const withoutTimes = (path: string) => readFileSync(path, 'utf8').replace(/,"durationSeconds":[^,}]+/g, '');

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s saves, tells where, and ends with exit code %i', async (signal, exitCode) => {
  const words = [...NET, `output_dir=${temporaryFolder()}`, '--json'];
  const result = await trainUntil(signal, 1, words);
  expect(result.afterMs).toBeLessThan(5000);
  expect(result.exitCode).toBe(exitCode);
  const [stopped] = jsonLines(result.stdout) as [Stopped];
  expect(stopped).toMatchObject({
    error: { code: 'ABORTED', message: expect.stringContaining(`train --resume ${stopped.runDir}`) },
    checkpoint: join(stopped.runDir, 'last.safetensors'),
    steps: 300,
  });
  expect(stopped.step).toBeGreaterThanOrEqual(10);
  expect(readdirSync(stopped.runDir).sort()).toEqual([
    'config.yaml',
    'last.safetensors',
    'metrics.csv',
    'metrics.jsonl',
    'overrides.yaml',
    'run.json',
    'train.log',
  ]);
});

test('a run that was stopped twice ends with the weights and figures of one that never was', async () => {
  const outputDir = temporaryFolder();
  const words = [...NET, `output_dir=${outputDir}`, '--json'];
  const [whole] = jsonLines((await runCli(['train', ...words])).stdout) as [
    Record<string, unknown> & { checkpoint: string; runDir: string },
  ];
  const [first] = jsonLines((await trainUntil('SIGINT', 3, words)).stdout) as [Stopped];
  const [second] = jsonLines(
    (await trainUntil('SIGTERM', 15, ['--resume', first.checkpoint, '--json'])).stdout,
  ) as [Stopped];
  expect(second.step).toBeGreaterThan(first.step);
  expect(second.runDir).toBe(first.runDir);
  const resumed = await runCli(['train', '--resume', first.runDir, '--json']);
  expect(resumed.exitCode).toBe(0);
  const [end] = jsonLines(resumed.stdout) as [
    Record<string, unknown> & { checkpoint: string; runDir: string },
  ];
  expect(end).toMatchObject({ test: whole.test, steps: 300, runDir: first.runDir });
  expect(sha256(end.checkpoint)).toBe(sha256(whole.checkpoint));
  expect(withoutTimes(join(end.runDir, 'metrics.jsonl'))).toBe(
    withoutTimes(join(whole.runDir, 'metrics.jsonl')),
  );
  expect(existsSync(first.checkpoint)).toBe(false); // it has served
  const { stdout } = await runCli(['runs', '--dir', outputDir, '--json']);
  const [runs] = jsonLines(stdout) as [{ status: string }[]];
  expect(runs.map(({ status }) => status)).toEqual(['finished', 'finished']);
});

test('a signal in the final test of a large net is heeded within five seconds, and the test is done when it goes on', async () => {
  const words = [
    ...LARGE_NET,
    'data_loading.batch_size=50',
    'training.epochs=0.1',
    'training.tta_level=2',
    `output_dir=${temporaryFolder()}`,
    '--json',
  ];
  const { exitCode, stdout, afterMs } = await trainUntil('SIGTERM', 1, words);
  expect(exitCode).toBe(143);
  expect(afterMs).toBeLessThan(5000);
  const [{ step, steps, runDir }] = jsonLines(stdout) as [Stopped];
  expect(step).toBe(steps);
  const [end] = jsonLines((await runCli(['train', '--resume', runDir, '--json'])).stdout);
  expect(end).toMatchObject({ steps, test: { accuracy: expect.any(Number) } });
});

test('a second signal ends at once, in the middle of a step of seconds, and leaves nothing half-written', async () => {
  const outputDir = temporaryFolder();
  const words = [
    ...LARGE_NET,
    'model.width=20',
    'data_loading.batch_size=500',
    `output_dir=${outputDir}`,
    '--json',
  ];
  const { exitCode, afterMs } = await trainUntil('SIGINT', 1, words, { times: 2 });
  expect(exitCode).toBe(130);
  expect(afterMs).toBeLessThan(1000);
  const files = readdirSync(outputDir, { recursive: true }).map(String);
  expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('the state of a stopped run can be evaluated', async () => {
  const words = [...NET, `output_dir=${temporaryFolder()}`, '--json'];
  const [{ checkpoint }] = jsonLines((await trainUntil('SIGINT', 2, words)).stdout) as [Stopped];
  const { exitCode, stdout } = await runCli(['evaluate', '--checkpoint', checkpoint, '--json']);
  expect(exitCode).toBe(0);
  expect(jsonLines(stdout)).toMatchObject([{ imageCount: 500 }]);
});

test('of two processes that go on with one run, one is refused', async () => {
  const words = [...NET, `output_dir=${temporaryFolder()}`, '--json'];
  const [{ runDir }] = jsonLines((await trainUntil('SIGINT', 2, words)).stdout) as [Stopped];
  const both = await Promise.all(
    [1, 2].map(() => runCli(['train', '--resume', runDir, '--json', '--quiet'])),
  );
  expect(both.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
  const refused = both.find(({ exitCode }) => exitCode === 1);
  expect(jsonLines(refused?.stdout ?? '')).toMatchObject([{ error: { code: 'RUN_NOT_RESUMABLE' } }]);
  expect(readFileSync(join(runDir, 'metrics.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(30);
});

test('what cannot go on says why', async () => {
  const outputDir = temporaryFolder();
  const train = await runCli(['train', ...TINY, 'training.epochs=0.1', `output_dir=${outputDir}`, '--json']);
  const [{ runDir }] = jsonLines(train.stdout) as [{ runDir: string }];
  const failure = async (...words: string[]) => {
    const { exitCode, stdout } = await runCli(['train', ...words, '--json', '--quiet']);
    const [{ error }] = jsonLines(stdout) as [Stopped];
    return { exitCode, ...error };
  };
  expect(await failure('--resume', runDir)).toMatchObject({
    exitCode: 1,
    code: 'RUN_NOT_RESUMABLE',
    message: expect.stringContaining('expected a run that was stopped, found one that is finished'),
  });
  expect(await failure('--resume', join(outputDir, 'none'))).toMatchObject({
    exitCode: 1,
    code: 'RUN_NOT_FOUND',
  });
  const config = join(runDir, 'config.yaml');
  expect(await failure('--resume', runDir, '--config', config)).toMatchObject({ exitCode: 2, code: 'USAGE' });
  expect(await failure('--force')).toMatchObject({ exitCode: 2, code: 'USAGE' });
});

test('a run that goes on with another setting is refused by its name, and forced', async () => {
  const words = [...NET, `output_dir=${temporaryFolder()}`, '--json'];
  const [{ runDir }] = jsonLines((await trainUntil('SIGINT', 2, words)).stdout) as [Stopped];
  const resume = ['train', '--resume', runDir, 'training.optimizer.lr=0.01', '--json', '--quiet'];
  const refused = await runCli(resume);
  expect(refused.exitCode).toBe(1);
  expect(jsonLines(refused.stdout)).toMatchObject([
    {
      error: {
        code: 'RUN_CHANGED',
        message: expect.stringContaining('training.optimizer.lr: 0.02, now 0.01'),
      },
    },
  ]);
  expect((await runCli([...resume, '--force'])).exitCode).toBe(0);
});
