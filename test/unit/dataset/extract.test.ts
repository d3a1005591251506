// Tests that unpacking takes the wanted files and nothing else, whatever an archive holds.
// Archives are real ones, made with tar.
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { extractWanted } from '../../../lib/dataset/extract.js';

let folder: string;
let target: string;
let archive: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'extract-'));
  target = join(folder, 'target');
  archive = join(folder, 'archive.tgz');
  await mkdir(join(folder, 'top', 'deeper'), { recursive: true });
  await mkdir(target);
});
afterEach(() => rm(folder, { recursive: true }));

const pack = (...names: string[]) =>
  create({ gzip: true, cwd: folder, file: archive, preservePaths: true }, names);
const extract = () =>
  extractWanted(createReadStream(archive), {
    folder: target,
    wants: (name, sizeBytes) => name.startsWith('wanted') && sizeBytes === 4,
  });

test('takes the wanted files and leaves other names, sizes, depths and links', async () => {
  await writeFile(join(folder, 'top', 'wanted.bin'), 'good');
  await writeFile(join(folder, 'top', 'wanted-long.bin'), 'too long');
  await writeFile(join(folder, 'top', 'other.bin'), 'nope');
  await writeFile(join(folder, 'top', 'deeper', 'wanted-deep.bin'), 'deep');
  await symlink('/etc/passwd', join(folder, 'top', 'wanted-link.bin'));
  await pack('top');
  await extract();
  expect(await readdir(target)).toEqual(['wanted.bin']);
  expect(await readFile(join(target, 'wanted.bin'), 'utf8')).toBe('good');
});

test('a path that climbs does not leave the folder', async () => {
  await writeFile(join(folder, 'wanted-up.bin'), 'evil');
  await create({ gzip: true, cwd: target, file: archive, preservePaths: true }, ['../wanted-up.bin']);
  await rm(join(folder, 'wanted-up.bin'));
  await extract();
  expect((await readdir(folder)).sort()).toEqual(['archive.tgz', 'target', 'top']);
});

test('a truncated archive is an error', async () => {
  await writeFile(join(folder, 'top', 'wanted.bin'), 'good');
  await pack('top');
  await truncate(archive, 60);
  await expect(extract()).rejects.toThrow();
});

test('bytes that are no archive are an error', async () => {
  await writeFile(archive, 'x'.repeat(2000));
  await expect(extract()).rejects.toThrow();
});
