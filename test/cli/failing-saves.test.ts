// A disk that is full, a limit on file sizes, a folder that cannot be written to any more: in the middle of a training they
// cost no more than the saves that they hit, and never what was saved before.
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import { temporaryFolder } from '../support.js';
import { type CliResult, collect, jsonLines, runCli, startCli } from './run-cli.js';

const EPOCHS = 20;
/** Its states take 47 KB, its checkpoint 26. */
const NET = [
  'data_loading=sample',
  'model.widths=[8,8,8]',
  `training.epochs=${EPOCHS}`,
  'training.tta_level=0',
  'training.threads=1',
  'training.checkpoint.every_steps=10',
];
/** A process of root without its rights is held by permissions as any other. */
const UNPRIVILEGED = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all'] : [];

const stateOf = async (runDir: string) =>
  (await readCheckpoint(join(runDir, 'last.safetensors'))).meta.progress?.step ?? 0;

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 20) {
    if (await isSo()) return;
    await sleep(20);
  }
  throw new Error('it did not happen within 30 seconds');
}

/** Starts a training; resolves when its first state is there. */
async function startTraining(overrides: readonly string[], launcher: readonly string[] = []) {
  const outputDir = temporaryFolder();
  const words = ['train', ...NET, ...overrides, `output_dir=${outputDir}`, '--json'];
  const child = startCli(words, { launcher });
  let stderr = '';
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  const ended = collect(child);
  let runDir = '';
  await until(() => {
    const [date] = readdirSync(outputDir);
    const [time] = date === undefined ? [] : readdirSync(join(outputDir, date));
    runDir = join(outputDir, String(date), String(time));
    return time !== undefined && readdirSync(runDir).includes('last.safetensors');
  });
  return { pid: child.pid as number, runDir, ended, warnings: () => stderr.match(/^warning: .*$/gm) ?? [] };
}

/** The soft limit alone: it can be lifted again. */
const limitFiles = (pid: number, bytes: string) =>
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]);

function expectWhole({ exitCode, stderr }: CliResult, runDir: string): void {
  expect(exitCode, stderr).toBe(0);
  const lines = readFileSync(join(runDir, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { epoch: number }).epoch)).toEqual(
    Array.from({ length: EPOCHS }, (_, index) => index + 1),
  );
  const names = readdirSync(runDir).sort();
  const files = ['checkpoint.safetensors', 'config.yaml', 'metrics.csv', 'metrics.jsonl', 'overrides.yaml'];
  expect(names).toEqual([...files, 'run.json', 'train.log']);
}

test('saves that fail for a while are warned of, and nothing is missing in the end', async () => {
  const { pid, runDir, ended, warnings } = await startTraining([]);
  limitFiles(pid, '2048');
  await until(() => warnings().length > 2);
  const step = await stateOf(runDir);
  expect(step).toBeGreaterThanOrEqual(10);
  expect(warnings()[0]).toMatch(/last\.safetensors" cannot be written: .*EFBIG/);
  limitFiles(pid, 'unlimited');
  await until(async () => (await stateOf(runDir)) > step);
  expectWhole(await ended, runDir);
});

// At 256 bytes not even a line of the log can be added any more.
test.each(['2048', '256'])(
  'where it is to stop, a save beyond %s bytes ends the training, which goes on from the state before',
  async (bytes) => {
    const { pid, runDir, ended } = await startTraining(['training.checkpoint.on_error=stop']);
    limitFiles(pid, bytes);
    const { exitCode, stdout } = await ended;
    expect(exitCode).toBe(1);
    expect(jsonLines(stdout)).toMatchObject([{ error: { code: 'DISK_FULL' } }]);
    expect(await stateOf(runDir)).toBeGreaterThanOrEqual(10);
    expectWhole(await runCli(['train', '--resume', runDir, '--json']), runDir);
  },
);

test('a folder that cannot be written to for a while', async () => {
  const { runDir, ended, warnings } = await startTraining([], UNPRIVILEGED);
  chmodSync(runDir, 0o555);
  await until(() => warnings().length > 0);
  expect(await stateOf(runDir)).toBeGreaterThanOrEqual(10);
  expect(warnings()[0]).toContain('EACCES');
  chmodSync(runDir, 0o755);
  expectWhole(await ended, runDir);
});

test.each([
  ['as full as it is, the last checkpoint has room', '256k', 0],
  ['the last checkpoint has no room', '228k', 1],
])('on a disk that fills up, what was written before is whole: %s', async (_what, size, exitCode) => {
  const [disk, rescue] = [temporaryFolder(), temporaryFolder()];
  const script = `
    mount -t tmpfs -o size=${size} none ${disk}
    "$@"
    exitCode=$?
    cp ${disk}/*/*/* ${rescue}
    exit $exitCode`;
  const launcher = ['unshare', '--map-root-user', '--mount', 'bash', '-c', script, 'bash'];
  const keep = ['training.checkpoint.keep=1000', 'training.epochs=8'];
  const result = await runCli(['train', ...NET, ...keep, `output_dir=${disk}`, '--json'], { launcher });
  expect(result.exitCode, result.stderr).toBe(exitCode);
  expect(result.stderr).toMatch(/^warning: .* found ENOSPC/m);
  const states = readdirSync(rescue).filter((name) => /^(?:step|last)/.test(name));
  expect(states.length).toBeGreaterThan(1);
  for (const name of states) expect((await readCheckpoint(join(rescue, name))).meta.progress).toBeDefined();
  if (exitCode === 0)
    return expect((await readCheckpoint(join(rescue, 'checkpoint.safetensors'))).extra.size).toBe(0);
  expect(jsonLines(result.stdout)).toMatchObject([
    { error: { code: 'DISK_FULL', message: expect.stringContaining('ENOSPC') } },
  ]);
  expect(states).toContain('last.safetensors');
});
