// Copies on file systems without hard links, what a killed process has left, and names that no folder can have.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { link } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { SortedFolder } from '../../../lib/infer/sorted-folder.js';
import { temporaryFolder } from '../../support.js';

// Such a file system cannot be mounted without the rights of root.
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  return { ...actual, link: vi.fn(actual.link) };
});

let testDir: string;
let folder: string;

beforeEach(() => {
  testDir = temporaryFolder();
  folder = join(temporaryFolder(), 'sorted');
  writeFileSync(join(testDir, 'a.png'), 'an image');
});

async function putOne(): Promise<void> {
  const sorted = await SortedFolder.open(testDir, { folder }, ['cat']);
  const name = join(testDir, 'a.png');
  await sorted.put({ name, path: Buffer.from(name) }, 'cat');
}

describe.each(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])('where links are answered with %s', (code) => {
  beforeEach(() => {
    vi.mocked(link).mockRejectedValueOnce(Object.assign(new Error(code), { code }));
  });

  test('a copy gets its name all the same', async () => {
    await putOne();
    expect(readdirSync(join(folder, 'cat'))).toEqual(['a.png']);
    expect(readFileSync(join(folder, 'cat', 'a.png'), 'utf8')).toBe('an image');
  });

  test('a file of its name stays', async () => {
    mkdirSync(join(folder, 'cat'), { recursive: true });
    writeFileSync(join(folder, 'cat', 'a.png'), 'mine');
    await expect(putOne()).rejects.toMatchObject({ code: 'NOT_WRITABLE', found: 'another file' });
    expect(readdirSync(join(folder, 'cat'))).toEqual(['a.png']);
    expect(readFileSync(join(folder, 'cat', 'a.png'), 'utf8')).toBe('mine');
  });
});

test('half of a copy goes when its process has ended; those of others stay', async () => {
  const { pid } = spawnSync('true');
  const nameOf = (host: string, of: number) => `.cifar10-torch@${host}.${of}.0123abcd.tmp`;
  const others = [nameOf(hostname(), process.ppid), nameOf('elsewhere', pid), `.mine.${pid}.0123abcd.tmp`];
  mkdirSync(join(folder, 'cat'), { recursive: true });
  for (const name of [...others, nameOf(hostname(), pid)]) writeFileSync(join(folder, 'cat', name), 'half');
  await putOne();
  expect(readdirSync(join(folder, 'cat')).sort()).toEqual([...others, 'a.png'].sort());
});

test.each(['', '.', '..', 'a/b', 'a\0b'])('a class named %j has no folder', async (name) => {
  await expect(SortedFolder.open(testDir, { folder }, ['cat', name])).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    expected: 'class names that are names of folders',
  });
});
