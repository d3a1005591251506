// Tests that verified files get their names one by one, and none after the download has no business there any more.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type BatchTable, filesOf } from '../../../lib/dataset/facts.js';
import { publishFiles } from '../../../lib/dataset/publish.js';

const { onRename } = vi.hoisted(() => ({ onRename: vi.fn() }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs/promises')>();
  const rename: typeof original.rename = async (from, to) => {
    await original.rename(from, to);
    onRename();
  };
  return { ...original, rename };
});

const file = (name: string) => ({ name, sizeBytes: 3, md5: '' });
const TABLE: BatchTable = { train: [file('1.bin'), file('2.bin')], test: [file('3.bin')] };

let folder: string;
let staging: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'publish-'));
  staging = join(folder, 'staging');
  await mkdir(staging);
  for (const { name } of filesOf(TABLE)) await writeFile(join(staging, name), 'new');
});
afterEach(async () => {
  onRename.mockReset();
  await rm(folder, { recursive: true });
});

test('all files have their names, whatever had them', async () => {
  await writeFile(join(folder, '2.bin'), 'old');
  await publishFiles(staging, folder, TABLE);
  expect((await readdir(folder)).sort()).toEqual(['1.bin', '2.bin', '3.bin', 'staging']);
  expect(await readFile(join(folder, '2.bin'), 'utf8')).toBe('new');
});

test('after an abort no further file is replaced', async () => {
  const controller = new AbortController();
  onRename.mockImplementation(() => controller.abort(new Error('lock lost')));
  await expect(publishFiles(staging, folder, TABLE, controller.signal)).rejects.toThrow('lock lost');
  expect((await readdir(folder)).sort()).toEqual(['1.bin', 'staging']);
});

test('a folder that has the name of a file is found before anything is replaced', async () => {
  await writeFile(join(folder, '1.bin'), 'old');
  await mkdir(join(folder, '3.bin'));
  await expect(publishFiles(staging, folder, TABLE)).rejects.toMatchObject({
    code: 'NOT_WRITABLE',
    found: 'a folder',
  });
  expect(await readFile(join(folder, '1.bin'), 'utf8')).toBe('old');
});
