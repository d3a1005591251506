// Tests that unpacking takes the wanted files and nothing else, whatever an archive holds.
// Archives are real ones, made with tar.
import { randomBytes } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { create, Header, type HeaderData } from 'tar';
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
const MAX_BYTES = 1 << 20;
const ofFourBytes = (name: string, sizeBytes: number) => name.startsWith('wanted') && sizeBytes === 4;
const extract = (signal?: AbortSignal, wants: (name: string, sizeBytes: number) => boolean = ofFourBytes) =>
  extractWanted(createReadStream(archive), { folder: target, wants, maxBytes: MAX_BYTES, signal });

/** One member as its header says, followed by `content`, padded to blocks. */
function member(fields: HeaderData, content = ''): Buffer {
  const block = Buffer.alloc(512);
  new Header({ type: 'File', mode: 0o644, size: content.length, ...fields }).encode(block);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content, 'latin1');
  return Buffer.concat([block, body]);
}

const END = Buffer.alloc(1024);

async function writeArchive(...parts: Buffer[]) {
  await writeFile(archive, gzipSync(Buffer.concat([...parts, END])));
}

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

test.each([
  '../wanted.bin',
  '../../wanted.bin',
  'top/../../wanted.bin',
  '/wanted.bin',
  '/tmp/wanted.bin',
  'C:/wanted.bin',
  '..\\wanted.bin',
  'top/..',
  'top/wanted.bin/../../../up.bin',
])('the path %s writes nothing outside', async (path) => {
  await writeArchive(member({ path }, 'evil'), member({ path: 'top/wanted.bin' }, 'good'));
  await extract().catch(() => {});
  expect((await readdir(folder)).sort()).toEqual(['archive.tgz', 'target', 'top']);
  const taken = await readdir(target);
  expect(taken.filter((name) => name !== 'wanted.bin')).toEqual([]);
});

// A directory has no content, whatever its header says.
test.each<[NonNullable<HeaderData['type']>, string]>([
  ['Link', 'evil'],
  ['SymbolicLink', 'evil'],
  ['CharacterDevice', 'evil'],
  ['BlockDevice', 'evil'],
  ['FIFO', 'evil'],
  ['GNUDumpDir', 'evil'],
  ['Directory', ''],
])('a member of type %s is left out', async (type, content) => {
  const linkpath = type.endsWith('Link') ? '../archive.tgz' : '';
  const fake = member({ path: 'top/wanted-fake.bin', type, linkpath }, content);
  await writeArchive(fake, member({ path: 'top/wanted.bin' }, 'good'));
  await extract(undefined, () => true);
  expect(await readdir(target)).toEqual(['wanted.bin']);
});

test('a link does not make a way for the file after it', async () => {
  const outside = join(folder, 'outside');
  await writeFile(outside, 'mine');
  await writeArchive(
    member({ path: 'top/wanted.bin', type: 'SymbolicLink', linkpath: outside }),
    member({ path: 'top/wanted.bin' }, 'evil'),
  );
  await extract();
  expect(await readFile(outside, 'utf8')).toBe('mine');
  expect(await readFile(join(target, 'wanted.bin'), 'utf8')).toBe('evil');
});

test('a wanted name that is there twice is an error', async () => {
  const [first, last] = ['old!', 'new!'].map((content) => member({ path: 'top/wanted.bin' }, content));
  await writeArchive(first as Buffer, last as Buffer);
  await expect(extract()).rejects.toThrow('the archive holds top/wanted.bin twice');
  expect(await readdir(target)).toEqual([]);
});

test('what is in the folder already is neither replaced nor followed', async () => {
  await writeFile(join(folder, 'mine'), 'mine');
  await symlink(join(folder, 'mine'), join(target, 'wanted.bin'));
  await writeArchive(member({ path: 'top/wanted.bin' }, 'evil'));
  await expect(extract()).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('mine');
  expect(await readdir(target)).toEqual(['wanted.bin']);
});

test('a header that announces more than there is, is an error', async () => {
  await writeArchive(member({ path: 'top/other.bin', size: 8 * 1024 ** 3 }));
  await expect(extract()).rejects.toThrow();
});

test('an extended header of a gigabyte is not gathered', async () => {
  await writeArchive(member({ path: 'top/PaxHeader', type: 'ExtendedHeader', size: 1024 ** 3 }));
  await expect(extract()).rejects.toThrow();
});

test('a wrong header checksum is an error', async () => {
  const broken = member({ path: 'top/wanted.bin' }, 'good');
  broken.writeUInt8(broken.readUInt8(0) ^ 1, 0);
  await writeArchive(broken);
  await expect(extract()).rejects.toThrow();
});

test('an archive that inflates without end is left at its limit', async () => {
  // Four gigabytes of zeros in four megabytes: gzip members may follow each other.
  const sixteenMegabytes = gzipSync(Buffer.alloc(16 << 20));
  await writeFile(archive, Buffer.concat(Array(256).fill(sixteenMegabytes)));
  const before = process.resourceUsage().maxRSS;
  await expect(extract()).rejects.toThrow(`more than ${MAX_BYTES} bytes`);
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(64 * 1024);
  expect(await readdir(target)).toEqual([]);
});

/** Inflates to a few hundred kilobytes, those to four gigabytes. */
const zeros = () => gzipSync(Buffer.concat(Array(256).fill(gzipSync(Buffer.alloc(16 << 20)))));
test.each([
  ['gzip in gzip', zeros],
  ['a gzip that begins like zstd', () => gzipSync(Buffer.from('28b52ffd00000000', 'hex'))],
  ['gzip in gzip, in single bytes', () => gzipSync(gzipSync('x'), { level: 0 })],
])('%s is refused and not inflated', async (what, make) => {
  const bytes = make();
  const chunkBytes = what.endsWith('bytes') ? 1 : bytes.length;
  const chunks = Array.from({ length: bytes.length / chunkBytes }, (_, i) =>
    bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  );
  const before = process.cpuUsage().user;
  const maxBytes = 1 << 30;
  const extracted = extractWanted(Readable.from(chunks), { folder: target, wants: () => true, maxBytes });
  await expect(extracted).rejects.toThrow('compressed twice');
  expect(process.cpuUsage().user - before).toBeLessThan(1e6);
});

test.each([0, 1, 9, 10, 11, 100])('damage at byte %i is an error and not a wait', async (at) => {
  await writeFile(join(folder, 'top', 'wanted.bin'), 'good');
  await pack('top');
  const bytes = await readFile(archive);
  await writeFile(archive, Buffer.concat([bytes.subarray(0, at), Buffer.alloc(300_000, 0xff)]));
  await expect(extract()).rejects.toThrow();
});

test('an abort ends it', async () => {
  await writeArchive(member({ path: 'top/wanted.bin' }, 'good'));
  await expect(extract(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
});

const openFiles = () => readdirSync('/proc/self/fd').length;

/** Two files of random bytes, which take several milliseconds to unpack. */
async function writeLargeArchive(): Promise<void> {
  const large = () => randomBytes(400_000).toString('latin1');
  await writeArchive(
    member({ path: 'top/wanted-1.bin' }, large()),
    member({ path: 'top/wanted-2.bin' }, large()),
  );
}

test('an abort at any moment leaves no file, nothing open and no late error', async () => {
  await writeLargeArchive();
  const late: unknown[] = [];
  const onLate = (error: unknown) => late.push(error);
  process.on('uncaughtException', onLate);
  const before = openFiles();
  let abortCount = 0;
  for (let i = 0; i < 60; i++) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), i % 20);
    const isWhole = await extract(controller.signal, () => true).then(
      () => true,
      () => false,
    );
    if (!isWhole) abortCount++;
    expect(await readdir(target)).toEqual(isWhole ? ['wanted-1.bin', 'wanted-2.bin'] : []);
    await rm(target, { recursive: true });
    await mkdir(target);
  }
  await setTimeoutPromise(50);
  process.off('uncaughtException', onLate);
  expect(abortCount).toBeGreaterThan(10);
  expect(late).toEqual([]);
  expect(openFiles()).toBeLessThanOrEqual(before);
});

test('an archive that ends early leaves no file and nothing open', async () => {
  await writeLargeArchive();
  await truncate(archive, 600_000);
  const before = openFiles();
  for (let i = 0; i < 20; i++) await expect(extract(undefined, () => true)).rejects.toThrow();
  await setTimeoutPromise(50);
  expect(openFiles()).toBeLessThanOrEqual(before);
  expect(await readdir(target)).toEqual([]);
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
