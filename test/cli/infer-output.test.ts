// `infer` on files as a user runs it: outputs that outlive a crash and are gone on with, parts, true labels, sorting.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { InferRecord } from '../../lib/index.js';
import { temporaryFolder } from '../support.js';
import { collect, jsonLines, runCli, startCli, TINY } from './run-cli.js';

/** Together they take one thread for decoding seconds, and can be stopped in between. */
const MANY = 400;
const SIDE = 2000;
const ONE_DECODER = { env: { UV_THREADPOOL_SIZE: '1' } };

let root: string;
let checkpoint: string;
let few: string;
let many: string;
let output: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'cifar10-torch-output-'));
  [few, many] = [join(root, 'few'), join(root, 'many')];
  const image = (side: number, r: number) =>
    sharp({ create: { width: side, height: side, channels: 3, background: { r, g: 90, b: 200 } } });
  for (const name of ['cat', 'dog']) {
    mkdirSync(join(few, name), { recursive: true });
    for (const r of [30, 200]) await image(32, r).toFile(join(few, name, `${r}.png`));
  }
  mkdirSync(join(many, 'cat'), { recursive: true });
  await image(SIDE, 30).jpeg().toFile(join(root, 'large.jpg'));
  for (let each = 0; each < MANY; each++)
    linkSync(join(root, 'large.jpg'), join(many, 'cat', `${String(each).padStart(4, '0')}.jpg`));
  const { stdout } = await runCli([
    'train',
    ...TINY,
    'training.epochs=1',
    `output_dir=${root}/out`,
    '--json',
  ]);
  checkpoint = (JSON.parse(stdout) as { checkpoint: string }).checkpoint;
  return () => rmSync(root, { recursive: true, force: true });
});

let outputs: string;
beforeEach(() => {
  outputs = temporaryFolder();
  output = join(outputs, 'records.jsonl');
});

const words = (testDir: string, ...more: readonly string[]) => [
  ...['infer', '--test-dir', testDir, '--checkpoint', checkpoint, '--dtype', 'fp32', ...more],
];
const inferFew = (...more: readonly string[]) => runCli(words(few, ...more));

const recordsIn = (path: string) => jsonLines(readFileSync(path, 'utf8')) as InferRecord[];
const filesIn = (path: string) => recordsIn(path).map(({ file }) => file);
const filesOfMany = () =>
  readdirSync(join(many, 'cat'))
    .sort()
    .map((name) => join(many, 'cat', name));

/** A run on many images, some records of which are on the disk. */
async function startMany(...more: readonly string[]) {
  const child = startCli(words(many, '--output', output, ...more), ONE_DECODER);
  const ended = collect(child);
  for (let records = 0; records === 0; await sleep(10)) {
    if (child.exitCode !== null) throw new Error(`ended too early: ${(await ended).stderr}`);
    if (!existsSync(`${output}.partial.json`)) continue;
    ({ records } = JSON.parse(readFileSync(`${output}.partial.json`, 'utf8')) as { records: number });
  }
  return { child, ended };
}

/** Such a run that a signal ends in the middle; returns what it said. */
async function stopped(signal: NodeJS.Signals, ...more: readonly string[]) {
  const { child, ended } = await startMany(...more);
  child.kill(signal);
  return ended;
}

describe('an output', () => {
  test('is in its place when it is whole, and nothing else is left', async () => {
    expect(await inferFew('--output', output)).toMatchObject({ exitCode: 0 });
    expect(readdirSync(outputs)).toEqual(['records.jsonl']);
    expect(recordsIn(output)).toHaveLength(4);
  });

  test('replaces an older one only when it is whole', async () => {
    writeFileSync(output, 'old');
    await stopped('SIGKILL');
    expect(readFileSync(output, 'utf8')).toBe('old');
    expect(await runCli(words(many, '--output', output, '--resume'))).toMatchObject({ exitCode: 0 });
    expect(filesIn(output)).toEqual(filesOfMany());
  });

  test.each(['records.jsonl', 'records.csv'])(
    'that SIGKILL cut off is gone on with: %s is as of a run in one go',
    async (name) => {
      output = join(outputs, name);
      await stopped('SIGKILL', '--labels-from-folders');
      appendFileSync(`${output}.partial`, '{"file":"cut off, "label');
      const resumed = await runCli(
        words(many, '--output', output, '--labels-from-folders', '--resume', '--json'),
      );
      expect(resumed.exitCode, resumed.stderr).toBe(0);
      const shown = jsonLines(resumed.stdout);
      expect(shown.length).toBeLessThan(MANY); // those of the first run are not computed again
      expect(shown.at(-1)).toMatchObject({ evaluation: { imageCount: MANY } });

      const whole = join(outputs, `whole-${name}`);
      await runCli(words(many, '--output', whole, '--labels-from-folders'));
      const withoutDigits = (path: string) => readFileSync(path, 'utf8').replaceAll(/0\.\d+/g, '0');
      expect(withoutDigits(output)).toBe(withoutDigits(whole));
      expect(readdirSync(outputs).sort()).toEqual([name, `whole-${name}`]);
    },
  );

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('that %s stopped says how to go on, and counts from there', async (signal, expected) => {
    const { exitCode, stderr } = await stopped(signal);
    expect(exitCode).toBe(expected);
    expect(stderr).toMatch(/^\d+ records are kept: the same command with --resume goes on$/m);
    const last = await runCli(words(many, '--output', output, '--resume'));
    expect(last).toMatchObject({ exitCode: 0, stderr: expect.stringContaining(`${MANY} records written`) });
    expect(filesIn(output)).toEqual(filesOfMany());
  });

  test('that was not finished is not lost: without --resume it is an error that names both ways out', async () => {
    await stopped('SIGKILL');
    const before = readFileSync(`${output}.partial`);
    const { exitCode, stderr } = await runCli(words(many, '--output', output));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/error OUTPUT_UNFINISHED: .*partial.* \d+ records.*--resume, or delete it/);
    expect(readFileSync(`${output}.partial`).equals(before)).toBe(true);
  });

  test('is not gone on with by other images, another checkpoint or other options; each is named', async () => {
    await stopped('SIGKILL');
    const other = join(root, 'other');
    await runCli(['train', ...TINY, 'training.epochs=1', 'seed=7', `output_dir=${other}`, '--json']);
    const changes = [
      ['--test-dir', few],
      ['--shard', '1/2'],
      ['--top-k', '2'],
      ['--tta', '1'],
      ['--dtype', 'bf16'],
      ['--kernels', 'libtorch'],
      ['--labels-from-folders'],
      ['--sort-into', join(outputs, 'sorted')],
    ] as const;
    for (const change of changes) {
      const rest = words(many, '--output', output, '--resume');
      const at = rest.indexOf(change[0]);
      if (at >= 0) rest.splice(at, 2);
      const { exitCode, stderr } = await runCli([...rest, ...change]);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`error OUTPUT_CHANGED: .* expected .*${change[0]} .*, found .*${change[0]} `),
      );
    }
    writeFileSync(join(many, 'cat', 'zzzz.jpg'), 'a new file');
    const { stderr } = await runCli(words(many, '--output', output, '--resume'));
    rmSync(join(many, 'cat', 'zzzz.jpg'));
    expect(stderr).toMatch(/error OUTPUT_CHANGED: .*the files in it/);
    expect(await runCli(words(many, '--output', output, '--resume'))).toMatchObject({ exitCode: 0 });
  });

  test('whose beginning nobody knows is not gone on with', async () => {
    writeFileSync(`${output}.partial`, '{"file":"a.png"}\n');
    for (const state of ['', '{}', '{"version":2}', 'x'.repeat(1 << 21)]) {
      writeFileSync(`${output}.partial.json`, state);
      expect(await inferFew('--output', output)).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/error OUTPUT_UNFINISHED: .* delete it/),
      });
      expect(await inferFew('--output', output, '--resume')).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/error OUTPUT_CHANGED: .*records\.jsonl\.partial\.json.*delete it/),
      });
    }
  });

  test('that another process is writing is left to it', async () => {
    const { child, ended } = await startMany();
    child.kill('SIGSTOP'); // as slow as it may be
    for (const more of [[], ['--resume']])
      expect(await runCli(words(many, '--output', output, ...more))).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`process ${child.pid}, which is running`),
      });
    child.kill('SIGCONT');
    expect(await ended).toMatchObject({ exitCode: 0 });
    expect(filesIn(output)).toEqual(filesOfMany());
  });

  test('begins anew with --resume where there is nothing to go on with', async () => {
    expect(await inferFew('--output', output, '--resume')).toMatchObject({ exitCode: 0 });
    expect(recordsIn(output)).toHaveLength(4);
  });

  test('that the disk has no more room for is kept as far as it goes, and gone on with', async () => {
    const { child, ended } = await startMany();
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=2048:unlimited']);
    const { exitCode, stderr } = await ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^\d+ records are kept: the same command with --resume goes on\nerror DISK_FULL: .*EFBIG/m,
    );
    expect(await runCli(words(many, '--output', output, '--resume'))).toMatchObject({ exitCode: 0 });
    expect(filesIn(output)).toEqual(filesOfMany());
  });

  test('counts failures of the run before, too', async () => {
    const bad = join(many, 'cat', '0000-bad.jpg');
    writeFileSync(bad, 'no image');
    await stopped('SIGKILL');
    const { exitCode, stderr } = await runCli(words(many, '--output', output, '--resume'));
    rmSync(bad);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`1 of ${MANY + 1} images could not be classified`);
    expect(recordsIn(output).filter((record) => 'error' in record)).toHaveLength(1);
  });

  test.each(['records.jsonl', 'records.jsonl.partial', 'records.jsonl.partial.json'])(
    'is not begun where %s is a folder',
    async (name) => {
      mkdirSync(join(outputs, name));
      const { exitCode, stderr } = await inferFew('--output', output);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/error NOT_WRITABLE/);
      expect(readdirSync(outputs)).toEqual([name]);
    },
  );

  test('of a checkpoint that is none leaves nothing', async () => {
    const none = ['infer', '--test-dir', few, '--checkpoint', join(root, 'none'), '--output', output];
    expect(await runCli(none)).toMatchObject({ exitCode: 1 });
    expect(readdirSync(outputs)).toEqual([]);
  });

  test('--resume without one is a wrong usage', async () => {
    expect(await inferFew('--resume')).toMatchObject({ exitCode: 2 });
  });
});

describe('--shard', () => {
  test('parts are disjoint and together the folder, one after the other', async () => {
    const parts = [1, 2, 3].map((index) => join(outputs, `${index}.jsonl`));
    for (const [index, part] of parts.entries())
      expect(await inferFew('--shard', `${index + 1}/3`, '--output', part)).toMatchObject({ exitCode: 0 });
    await inferFew('--output', output);
    expect(parts.flatMap((part) => (readFileSync(part).length > 0 ? filesIn(part) : []))).toEqual(
      filesIn(output),
    );
  });

  test.each(['0/2', '3/2', '1', '1/0', 'a/b', '-1/2', '1.5/2'])('%s is a wrong usage', async (shard) => {
    const { exitCode, stderr } = await inferFew(`--shard=${shard}`);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--shard: expected a part and their number');
  });
});

describe('--labels-from-folders', () => {
  test('prints figures below the records, in 80 columns', async () => {
    const { exitCode, stdout } = await inferFew('--labels-from-folders', '--output', output);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^labelled images +4\naccuracy +\d+\.\d\d %\n\nclass +precision +recall +F1 +images$/m,
    );
    expect(stdout).toMatch(/^cat +(\d+\.\d\d % +){3}2$/m);
    expect(stdout).toMatch(/^truck( +\d+){10}$/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(recordsIn(output).map(({ trueLabel }) => trueLabel)).toEqual(['cat', 'cat', 'dog', 'dog']);
  });

  test('--json has them as the last object, after the records', async () => {
    const { exitCode, stdout } = await inferFew('--labels-from-folders', '--json');
    expect(exitCode).toBe(0);
    const [first, , , , last] = jsonLines(stdout) as [{ trueLabel: string }, 0, 0, 0, { evaluation: object }];
    expect(first.trueLabel).toBe('cat');
    expect(Object.keys(last)).toEqual(['evaluation']);
    expect(Object.keys(last.evaluation).sort()).toEqual([
      'accuracy',
      'confusionMatrix',
      'imageCount',
      'macroF1',
      'macroPrecision',
      'macroRecall',
      'perClassAccuracy',
      'perClassF1',
      'perClassPrecision',
    ]);
  });

  test('a table has them as its last column', async () => {
    output = join(outputs, 'records.csv');
    await inferFew('--labels-from-folders', '--output', output);
    const [head, ...rows] = readFileSync(output, 'utf8').trimEnd().split('\n');
    expect(head).toBe('file,label,probability,error_code,error_message,true_label');
    expect(rows.map((row) => row.split(',').at(-1))).toEqual(['cat', 'cat', 'dog', 'dog']);
  });

  test('a folder that is no class ends it, and nothing is written', async () => {
    const { exitCode, stderr } = await runCli(
      words(join(root, 'few', 'cat', '..', '..'), '--labels-from-folders', '--output', output),
    );
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/error INVALID_ARGUMENT: the folders of some images are not named as classes/);
    expect(readdirSync(outputs)).toEqual([]);
  });
});

describe('--sort-into', () => {
  test('puts copies below their classes, also after a crash', async () => {
    const folder = join(outputs, 'sorted');
    await stopped('SIGKILL', '--sort-into', folder);
    const sort = ['--sort-into', folder, '--output', output, '--resume'];
    expect(await runCli(words(many, ...sort))).toMatchObject({ exitCode: 0 });
    const expected = (recordsIn(output) as { file: string; label: string }[]).map(({ file, label }) =>
      join(folder, label, file.slice(many.length)),
    );
    const found = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map(({ parentPath, name }) => join(parentPath, name));
    expect(found.sort()).toEqual(expected.sort());
  });

  test('--sort-mode says how', async () => {
    const folder = join(outputs, 'sorted');
    expect(await inferFew('--sort-into', folder, '--sort-mode', 'symlink')).toMatchObject({ exitCode: 0 });
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isSymbolicLink())).toHaveLength(4);
    expect(await inferFew('--sort-mode', 'copy')).toMatchObject({ exitCode: 2 });
    expect(await inferFew('--sort-into', folder, '--sort-mode', 'move')).toMatchObject({ exitCode: 2 });
  });
});
