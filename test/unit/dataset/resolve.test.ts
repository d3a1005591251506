// Tests where the dataset is looked for and how a wrong, short or missing file is reported.
// The embedded sample is verified for real; other files come from a small dataset of the same shape.

import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { RECORD_BYTES } from '../../../lib/dataset/facts.js';
import { CLASS_NAMES, datasetFolder, resolveDataset } from '../../../lib/dataset/index.js';
import { resolveFolder } from '../../../lib/dataset/resolve.js';
import { type FakeDataset, makeFakeDataset } from './fake-dataset.js';

let fake: FakeDataset;
let folder: string;

beforeAll(async () => {
  fake = await makeFakeDataset();
});
afterAll(() => fake.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resolve-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test('the embedded sample is whole: 100 train and 50 test images of each class', async () => {
  const { train, test, trainCount, testCount } = await resolveDataset({ source: 'sample', dataDir: null });
  expect([trainCount, testCount]).toEqual([1000, 500]);
  for (const [paths, perClass] of [[train, 100] as const, [test, 50] as const]) {
    const counts = new Array(CLASS_NAMES.length).fill(0);
    for (const path of paths) {
      const records = readFileSync(path);
      for (let start = 0; start < records.length; start += RECORD_BYTES) counts[records[start] as number]++;
    }
    expect(counts).toEqual(new Array(10).fill(perClass));
  }
});

test.each(['.', 'cifar-10-batches-bin'])('finds the files in %s', async (place) => {
  await fake.writeTo(join(folder, place));
  expect(await resolveFolder(folder, fake.table)).toEqual({
    train: [join(folder, place, 'data_batch_1.bin'), join(folder, place, 'data_batch_2.bin')],
    test: [join(folder, place, 'test_batch.bin')],
    trainCount: 20,
    testCount: 10,
  });
});

test('follows a symbolic link to a folder shared by users', async () => {
  await fake.writeTo(join(folder, 'shared'));
  await symlink(join(folder, 'shared'), join(folder, 'mine'));
  await expect(resolveFolder(join(folder, 'mine'), fake.table)).resolves.toMatchObject({ trainCount: 20 });
});

const SIZE = 10 * RECORD_BYTES;
const path = (name: string) => join(folder, name);
const flipByte = async (name: string) => {
  const content = Buffer.from(fake.contents.get(name) as Buffer);
  content.writeUInt8(content.readUInt8(5000) ^ 1, 5000);
  await writeFile(path(name), content);
};

test.each([
  {
    what: 'a missing file',
    damage: () => rm(path('data_batch_2.bin')),
    error: { code: 'DATASET_NOT_FOUND', expected: `${SIZE} bytes`, found: 'no such file' },
    file: 'data_batch_2.bin',
  },
  {
    what: 'a short file',
    damage: () => truncate(path('test_batch.bin'), SIZE - 1),
    error: { code: 'DATASET_CORRUPT', expected: `${SIZE} bytes`, found: `${SIZE - 1} bytes` },
    file: 'test_batch.bin',
  },
  {
    what: 'an empty file',
    damage: () => truncate(path('data_batch_1.bin')),
    error: { code: 'DATASET_CORRUPT', expected: `${SIZE} bytes`, found: '0 bytes' },
    file: 'data_batch_1.bin',
  },
  {
    what: 'a long file',
    damage: () => writeFile(path('data_batch_1.bin'), Buffer.alloc(SIZE + 1)),
    error: { code: 'DATASET_CORRUPT', expected: `${SIZE} bytes`, found: `${SIZE + 1} bytes` },
    file: 'data_batch_1.bin',
  },
  {
    what: 'a link to itself',
    damage: async () => {
      await rm(path('test_batch.bin'));
      await symlink('test_batch.bin', path('test_batch.bin'));
    },
    error: { code: 'DATASET_NOT_FOUND', expected: `${SIZE} bytes`, found: 'ELOOP' },
    file: 'test_batch.bin',
  },
  {
    what: 'a folder in its place',
    damage: async () => {
      await rm(path('test_batch.bin'));
      await mkdir(path('test_batch.bin'));
    },
    error: { code: 'DATASET_CORRUPT', expected: `${SIZE} bytes`, found: expect.stringMatching(/bytes$/) },
    file: 'test_batch.bin',
  },
  {
    what: 'a wrong byte',
    damage: () => flipByte('data_batch_1.bin'),
    error: {
      code: 'DATASET_CORRUPT',
      expected: expect.stringMatching(/^md5 [0-9a-f]{32}$/),
      found: expect.stringMatching(/^md5 [0-9a-f]{32}$/),
    },
    file: 'data_batch_1.bin',
  },
])('$what is named with the expected and the found value', async ({ damage, error, file }) => {
  await fake.writeTo(folder);
  await damage();
  await expect(resolveFolder(folder, fake.table)).rejects.toMatchObject({
    ...error,
    message: expect.stringContaining(path(file)),
    nextStep: `run \`npx cifar10-torch download --data-dir "${folder}"\``,
  });
});

test.each(['cifar-10-batches-py', '.'])("says that Python's pickles in %s are not read", async (place) => {
  await mkdir(join(folder, place), { recursive: true });
  await writeFile(join(folder, place, 'data_batch_1'), 'pickle');
  await expect(resolveFolder(folder, fake.table)).rejects.toMatchObject({
    code: 'DATASET_NOT_FOUND',
    found: expect.stringContaining('pickle'),
    nextStep: expect.stringContaining('download'),
  });
});

test('a folder that does not exist is a dataset that is not there', async () => {
  await expect(resolveFolder(join(folder, 'nowhere'), fake.table)).rejects.toMatchObject({
    code: 'DATASET_NOT_FOUND',
  });
});

test('an aborted signal stops the check', async () => {
  await fake.writeTo(folder);
  await expect(resolveFolder(folder, fake.table, AbortSignal.abort())).rejects.toMatchObject({
    name: 'AbortError',
    code: 'ABORTED',
  });
});

test('the folder is the given one, else that of the environment, else the user cache', () => {
  vi.stubEnv('XDG_CACHE_HOME', undefined);
  vi.stubEnv('CIFAR10_TORCH_CACHE', undefined);
  expect(datasetFolder()).toBe(join(homedir(), '.cache', 'cifar10-torch', 'cifar10'));
  vi.stubEnv('CIFAR10_TORCH_CACHE', '/big/disk');
  expect(datasetFolder(null)).toBe('/big/disk/cifar10');
  expect(datasetFolder('data')).toBe(join(process.cwd(), 'data'));
});
