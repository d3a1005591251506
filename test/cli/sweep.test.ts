// Sweeps and the runs they leave: jobs one after the other, a summary, nothing done twice.
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support.js';
import { collect, jsonLines, runCli, startCli, TINY } from './run-cli.js';

interface Job {
  index: number;
  overrides: string[];
  status: string;
  runDir: string | null;
  accuracy: number | null;
  valAccuracy: number | null;
  error: { code: string } | null;
}
interface Sweep {
  sweepDir: string;
  jobs: Job[];
}

const QUICK = [...TINY, 'training.epochs=0.2'];

async function sweep(words: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCli(['train', '-m', ...words, '--json']);
  const [result, ...rest] = jsonLines(stdout) as [Sweep & { error?: { code: string; message: string } }];
  expect(rest).toEqual([]);
  return { exitCode, stderr, result, error: result.error };
}

const statuses = ({ jobs }: Sweep) => jobs.map(({ status }) => status);

describe('a sweep', () => {
  let outputDir: string;
  let first: Awaited<ReturnType<typeof sweep>>;
  beforeAll(async () => {
    outputDir = mkdtempSync(join(tmpdir(), 'cifar10-torch-sweep-'));
    first = await sweep([
      ...QUICK,
      `output_dir=${outputDir}`,
      'training.seed=0,1',
      'training.optimizer.lr=choice(0.01,0.02)',
    ]);
  });

  afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

  test('trains each combination, the last value varying fastest, each in a folder of its own', () => {
    expect(first.exitCode).toBe(0);
    expect(first.result.jobs.map(({ overrides }) => overrides)).toEqual([
      ['training.seed=0', 'training.optimizer.lr=0.01'],
      ['training.seed=0', 'training.optimizer.lr=0.02'],
      ['training.seed=1', 'training.optimizer.lr=0.01'],
      ['training.seed=1', 'training.optimizer.lr=0.02'],
    ]);
    expect(readdirSync(first.result.sweepDir).sort()).toEqual(['0', '1', '2', '3', 'summary.csv']);
    for (const job of first.result.jobs)
      expect(readdirSync(job.runDir as string)).toContain('checkpoint.safetensors');
    expect(first.stderr).toMatch(/^job 2\/4: training\.seed=0 training\.optimizer\.lr=0\.02$/m);
    expect(first.stderr).toMatch(/^job 4\/4 finished, test accuracy \d+\.\d\d %$/m);
  });

  test('leaves a summary as CSV', () => {
    const lines = readFileSync(join(first.result.sweepDir, 'summary.csv'), 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe(
      'job,status,overrides,val_accuracy,accuracy,tta_accuracy,cross_entropy,duration_seconds,run_dir,error_code,error_message',
    );
    expect(lines).toHaveLength(5);
    const accuracies = lines.slice(1).map((line) => Number(line.split(',')[4]));
    expect(accuracies).toEqual([...accuracies].sort((a, b) => b - a)); // the best first
    expect(lines[1]).toMatch(/^\d,finished,training\.seed=\d training\.optimizer\.lr=0\.0\d,,0\.\d+,,\d/);
  });

  test('that is repeated with --resume runs only what is new', async () => {
    const words = [
      ...QUICK,
      `output_dir=${outputDir}`,
      '--resume',
      'training.seed=range(0,3)',
      'training.optimizer.lr=0.01',
    ];
    const { result } = await sweep(words);
    expect(statuses(result)).toEqual(['reused', 'reused', 'finished']);
    expect(result.jobs[0]).toMatchObject({
      runDir: first.result.jobs[0]?.runDir,
      accuracy: first.result.jobs[0]?.accuracy,
    });
    expect(readdirSync(result.sweepDir).sort()).toEqual(['2', 'summary.csv']);
  });

  test('that is repeated without --resume runs all', async () => {
    const { result } = await sweep([...QUICK, `output_dir=${outputDir}`, 'training.seed=0']);
    expect(statuses(result)).toEqual(['finished']);
  });

  test('is listed among the runs, job by job', async () => {
    const { stdout } = await runCli(['runs', '--dir', outputDir]);
    expect(stdout).toMatch(/^multirun\/\d{4}-\d\d-\d\d\/[\d-]+\/3 +finished +cnn +0\.2 +\d+\.\d\d % +- +\d/m);
    const ids = first.result.jobs.map(({ runDir }) => (runDir as string).slice(outputDir.length + 1)) as [
      string,
      string,
    ];
    const compared = await runCli(['runs', 'compare', ids[0], ids[1], '--dir', outputDir]);
    expect(compared.stdout).toMatch(/^training\.optimizer\.lr +0\.01 +0\.02$/m);
    expect(compared.stdout).toMatch(/^accuracy +\d+\.\d\d % +\d+\.\d\d %$/m);
    const shown = await runCli(['runs', 'show', ids[1], '--dir', outputDir]);
    expect(shown.stdout).toMatch(/^overrides .*training\.optimizer\.lr=0\.02/m);
    const none = await runCli(['runs', 'show', 'none', '--dir', outputDir]);
    expect(none).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('RUN_NOT_FOUND') });
  });
});

test('a job that fails does not stop the others; the exit code tells', async () => {
  const words = [...QUICK, `output_dir=${temporaryFolder()}`, 'data_loading.batch_size=2000,100'];
  const { exitCode, result, error } = await sweep(words);
  expect(exitCode).toBe(1);
  expect(statuses(result)).toEqual(['failed', 'finished']);
  expect(result.jobs[0]?.error?.code).toBe('DATASET_TOO_SMALL');
  expect(error).toMatchObject({
    code: 'SWEEP_JOBS_FAILED',
    message: expect.stringContaining('1 of 2 jobs failed'),
  });
});

test('--fail-fast ends a sweep at the first job that fails', async () => {
  const words = [
    ...QUICK,
    `output_dir=${temporaryFolder()}`,
    'data_loading.batch_size=2000,100',
    '--fail-fast',
  ];
  const { exitCode, result } = await sweep(words);
  expect({ exitCode, statuses: statuses(result) }).toEqual({ exitCode: 1, statuses: ['failed', 'pending'] });
});

test('every job is checked before the first begins', async () => {
  const outputDir = join(temporaryFolder(), 'out');
  const words = ['train', '-m', ...QUICK, `output_dir=${outputDir}`, 'training.seed=0,-1', '--quiet'];
  const { exitCode, stderr } = await runCli(words);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(
    /^error CONFIG_INVALID_VALUE: .*override "training.seed=-1", character 15\).*found -1/,
  );
  expect(() => readdirSync(outputDir)).toThrow('ENOENT');
});

test('a job trains what was checked, whatever happens to the file meanwhile', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'mine.yaml');
  writeFileSync(path, 'training: {epochs: 0.3}\n');
  const words = [
    'train',
    '-m',
    '--config',
    path,
    ...TINY,
    `output_dir=${folder}/out`,
    'training.seed=0,1',
    '--json',
  ];
  const child = startCli(words);
  const collected = collect(child);
  child.stderr?.on(
    'data',
    (chunk) => String(chunk).includes('job 1/2') && writeFileSync(path, 'garbage: 1\n'),
  );
  const [{ jobs }] = jsonLines((await collected).stdout) as [Sweep];
  expect(jobs.map(({ status }) => status)).toEqual(['finished', 'finished']);
  for (const { runDir } of jobs)
    expect(readFileSync(join(runDir as string, 'config.yaml'), 'utf8')).toContain('epochs: 0.3');
});

test('a broken run of an earlier sweep is passed over, and a crashed one goes on', async () => {
  const outputDir = temporaryFolder();
  const words = [...TINY, 'training.epochs=30', `output_dir=${outputDir}`, 'training.seed=0,1'];
  const child = startCli(['train', '-m', ...words, '--json']);
  const collected = collect(child);
  child.stderr?.on('data', (chunk) => String(chunk).includes('epoch 2/') && child.kill('SIGINT'));
  const [{ jobs }] = jsonLines((await collected).stdout) as [Sweep];
  const runDir = jobs[0]?.runDir as string;
  const path = join(runDir, 'run.json');
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  const record = {
    ...JSON.parse(readFileSync(path, 'utf8')),
    status: 'running',
    process: { host: hostname(), pid },
  };
  writeFileSync(path, JSON.stringify(record)); // as a killed process leaves it
  appendFileSync(join(runDir, 'metrics.jsonl'), '{"epoch":9,"st'); // and a line it has not finished
  const other = await sweep([...QUICK, `output_dir=${outputDir}`]);
  writeFileSync(join(other.result.jobs[0]?.runDir as string, 'config.yaml'), 'a: [1');
  const again = await sweep([...words, '--resume']);
  expect(statuses(again.result)).toEqual(['finished', 'finished']);
  expect(again.result.jobs[0]?.runDir).toBe(runDir);
  expect(readFileSync(join(runDir, 'metrics.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(30);
});

test.each([
  [['--fail-fast'], 'fail-fast'],
  [['-m', '--resume=x'], '--resume of a sweep takes no value'],
])('%j is wrong usage', async (words, text) => {
  const { exitCode, stderr } = await runCli(['train', ...QUICK, ...words]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(text);
});

test('with a validation split the best is chosen by it', async () => {
  const words = [
    ...QUICK,
    `output_dir=${temporaryFolder()}`,
    'data_loading.validation=0.2',
    'training.seed=0,1',
  ];
  const { stdout } = await runCli(['train', '-m', ...words, '--quiet']);
  expect(stdout).toMatch(/^job +overrides +status +val +test +TTA +time$/m);
  const vals = [...stdout.matchAll(/^ *\d +seed=\d +finished +(\d+\.\d\d) %/gm)].map((match) =>
    Number(match[1]),
  );
  expect(vals).toHaveLength(2);
  expect(vals[0]).toBeGreaterThanOrEqual(vals[1] as number);
});

test('SIGINT stops the running job and the sweep; --resume goes on with it', async () => {
  const outputDir = temporaryFolder();
  const words = [
    'train',
    '-m',
    ...TINY,
    'training.epochs=30',
    `output_dir=${outputDir}`,
    'training.seed=0,1',
    '--json',
  ];
  const child = startCli(words);
  const collected = collect(child);
  child.stderr?.on('data', (chunk) => String(chunk).includes('epoch 2/') && child.kill('SIGINT'));
  const { exitCode, stdout } = await collected;
  expect(exitCode).toBe(130);
  const [stopped] = jsonLines(stdout) as [Sweep & { error: { code: string; message: string } }];
  expect(statuses(stopped)).toEqual(['stopped', 'pending']);
  expect(stopped.error).toMatchObject({ code: 'ABORTED', message: expect.stringContaining('--resume') });
  const again = await runCli([...words, '--resume']);
  const [result] = jsonLines(again.stdout) as [Sweep];
  expect(statuses(result)).toEqual(['finished', 'finished']);
  expect(result.jobs[0]?.runDir).toBe(stopped.jobs[0]?.runDir);
  expect(again.stderr).toMatch(/going on after step \d+$/m);
});

test('several values without -m are refused with the way out', async () => {
  const { exitCode, stderr } = await runCli(['train', ...QUICK, 'training.seed=0,1']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('add -m (--multirun)');
});
