// A folder of hostile files through `infer`, as a user runs it: a record for each, and every good one is classified.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { InferRecord } from '../../lib/index.js';
import { type HostileImage, makeHostileImages } from '../hostile-images.js';
import { jsonLines, runCli, TINY } from './run-cli.js';

let folder: string;
let checkpoint: string;
let images: HostileImage[];

beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'cifar10-torch-hostile-'));
  folder = join(root, 'images');
  mkdirSync(folder);
  images = await makeHostileImages(folder);
  const latin1 = Buffer.concat([Buffer.from(join(folder, 'k')), Buffer.from([0xfc]), Buffer.from('che.png')]);
  copyFileSync(join(folder, 'good.png'), latin1);
  images.push({ name: 'k\ufffdche.png', found: undefined, isLarge: false });
  // The last of these folders lies deeper than the system takes in one path.
  const deepen = 'for i in $(seq 20); do mkdir $1 && cd $1; done';
  execFileSync('bash', ['-c', deepen, '-', 'x'.repeat(250)], { cwd: folder });
  const { stdout } = await runCli([
    'train',
    ...TINY,
    'training.epochs=1',
    `output_dir=${root}/out`,
    '--json',
  ]);
  checkpoint = (JSON.parse(stdout) as { checkpoint: string }).checkpoint;
  // Not rmSync, which cannot remove what lies so deep.
  return () => execFileSync('rm', ['-rf', root]);
}, 120_000);

test('infer has a record for every file and goes on to the end', async () => {
  const words = ['infer', '--test_dir', folder, '--checkpoint_name', checkpoint, '--json'];
  const { exitCode, stdout, stderr } = await runCli(words);
  expect(exitCode, stderr).toBe(1);
  const records = jsonLines(stdout) as unknown as InferRecord[];
  const folders = records.filter(({ file }) => file.endsWith('xxx'));
  expect(folders).toMatchObject([{ error: { message: expect.stringContaining('ENAMETOOLONG') } }]);

  const files = records.filter((record) => !folders.includes(record));
  const names = files.map(({ file }) => relative(folder, file));
  expect(names).toEqual([...images.map(({ name }) => name)].sort());
  const failed = files.filter((record) => 'error' in record).map(({ file }) => relative(folder, file));
  const refused = images.filter(({ found }) => found !== undefined).map(({ name }) => name);
  expect(failed).toEqual(refused.sort());
  expect(stderr).toContain(`${refused.length + 1} of ${records.length}`);
});

test('infer shows the names of files on a line each, without what a terminal would obey', async () => {
  const named = mkdtempSync(join(tmpdir(), 'cifar10-torch-named-'));
  const good = 'good \u001b]0;pwned\u0007\n\u009b31m\u202e.png';
  copyFileSync(join(folder, 'good.png'), join(named, good));
  writeFileSync(join(named, 'bad \u001b[2J\n.png'), 'no image');
  const words = ['infer', '--test_dir', named, '--checkpoint_name', checkpoint];
  const { stdout, stderr } = await runCli(words);
  const json = await runCli([...words, '--json']);
  rmSync(named, { recursive: true });
  expect(stdout).toContain(String.raw`good \x1b]0;pwned\x07\x0a\x9b31m\u202e.png`);
  expect(stderr).toContain(String.raw`bad \x1b[2J\x0a.png`);
  for (const output of [stdout, stderr, json.stdout, json.stderr])
    expect(output).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  const records = jsonLines(json.stdout) as unknown as InferRecord[];
  expect(records.map(({ file }) => relative(named, file))).toContain(good);
});
