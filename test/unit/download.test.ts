// Tests the resumable download against a real server on the loopback that breaks in the ways servers break.
// What the bytes mean is tested where they are used.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DownloadProgress, discardPartialDownload, download } from '../../lib/download.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const CONTENT = randomBytes(300_000);
const HALF = CONTENT.length / 2;
const ETAG = `"${createHash('md5').update(CONTENT).digest('hex')}"`;

let folder: string;
let path: string;
let server: Server;
let url: string;
/** Answers of the server in turn; the last one is given to all further requests. */
let handlers: Handler[];
let requests: { range: string | undefined; ifRange: string | undefined }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-'));
  path = join(folder, 'file.bin');
  requests = [];
  server = createServer((request, response) => {
    const { range, 'if-range': ifRange } = request.headers;
    requests.push({ range, ifRange: ifRange as string | undefined });
    const handler = handlers.length > 1 ? handlers.shift() : handlers[0];
    handler?.(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

const whole: Handler = (_request, response) => {
  response.writeHead(200, { 'content-length': CONTENT.length, etag: ETAG }).end(CONTENT);
};

/** Answers a range request as a file server does. */
const ranged: Handler = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start === 0) return whole(request, response);
  if (start >= CONTENT.length)
    return response.writeHead(416, { 'content-range': `bytes */${CONTENT.length}` }).end();
  const rest = CONTENT.subarray(start);
  const range = `bytes ${start}-${CONTENT.length - 1}/${CONTENT.length}`;
  response.writeHead(206, { 'content-length': rest.length, 'content-range': range, etag: ETAG }).end(rest);
};

/** Promises everything, sends half and kills the connection. */
const cut: Handler = (_request, response) => {
  response.writeHead(200, { 'content-length': CONTENT.length, etag: ETAG });
  response.write(CONTENT.subarray(0, HALF), () => setTimeout(() => response.destroy(), 50));
};

const status =
  (code: number): Handler =>
  (_request, response) =>
    response.writeHead(code).end('no');

/** Not toEqual, which takes a second for so many bytes. */
const hasArrived = async () => CONTENT.equals(await readFile(path));
const names = async () => (await readdir(folder)).sort();

test('writes the file, reports progress and leaves nothing else', async () => {
  handlers = [whole];
  const seen: DownloadProgress[] = [];
  await download(url, path, { expectedBytes: CONTENT.length, onProgress: (progress) => seen.push(progress) });
  expect(await hasArrived()).toBe(true);
  expect(await names()).toEqual(['file.bin']);
  expect(seen[0]).toEqual({ doneBytes: 0, totalBytes: CONTENT.length });
  expect(seen.at(-1)).toEqual({ doneBytes: CONTENT.length, totalBytes: CONTENT.length });
});

test('goes on where a killed connection ended', async () => {
  handlers = [cut, ranged];
  await download(url, path, {});
  expect(await hasArrived()).toBe(true);
  expect(requests).toHaveLength(2);
  expect(requests[1]).toEqual({ range: `bytes=${HALF}-`, ifRange: ETAG });
});

test('a later call goes on with the partial file of an earlier one', async () => {
  handlers = [cut, status(503)];
  await expect(download(url, path, { retries: 0 })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  expect(await names()).toEqual(['file.bin.part', 'file.bin.part.etag']);
  expect((await stat(`${path}.part`)).size).toBe(HALF);

  handlers = [ranged];
  const seen: DownloadProgress[] = [];
  await download(url, path, { onProgress: (progress) => seen.push(progress) });
  expect(seen[0]).toEqual({ doneBytes: HALF, totalBytes: CONTENT.length });
  expect(await hasArrived()).toBe(true);
  expect(await names()).toEqual(['file.bin']);
});

test('starts over when the server ignores the range', async () => {
  await writeFile(`${path}.part`, 'stale bytes of another version');
  handlers = [whole];
  await download(url, path, {});
  expect(requests[0]?.range).toBe('bytes=30-');
  expect(await hasArrived()).toBe(true);
});

test('starts over when the server sends another range than the one asked for', async () => {
  await writeFile(`${path}.part`, CONTENT.subarray(0, HALF));
  const wrongRange: Handler = (_request, response) =>
    response.writeHead(206, { 'content-range': `bytes 7-9/${CONTENT.length}` }).end('abc');
  handlers = [wrongRange, ranged];
  await download(url, path, {});
  expect(requests.map(({ range }) => range)).toEqual([`bytes=${HALF}-`, undefined]);
  expect(await hasArrived()).toBe(true);
});

test('takes a partial file that is whole already', async () => {
  await writeFile(`${path}.part`, CONTENT);
  handlers = [ranged];
  await download(url, path, { expectedBytes: CONTENT.length });
  expect(requests).toHaveLength(1);
  expect(await hasArrived()).toBe(true);
});

test('throws away a partial file that is longer than the whole', async () => {
  await writeFile(`${path}.part`, Buffer.concat([CONTENT, CONTENT]));
  handlers = [ranged];
  await download(url, path, {});
  expect(await hasArrived()).toBe(true);
});

test.each([500, 503, 429])('tries again after status %i', async (code) => {
  handlers = [status(code), whole];
  await download(url, path, {});
  expect(requests).toHaveLength(2);
  expect(await hasArrived()).toBe(true);
});

test.each([404, 403])('does not try again after status %i', async (code) => {
  handlers = [status(code)];
  const error = await download(url.replace('http://', 'http://name:secret@'), path, {}).catch(
    (thrown) => thrown,
  );
  expect(error).toMatchObject({
    code: 'DOWNLOAD_FAILED',
    expected: 'HTTP status 200',
    found: `HTTP status ${code}`,
  });
  expect(error.message).not.toContain('secret');
  expect(requests).toHaveLength(1);
  expect(await names()).toEqual([]);
});

test('refuses a file whose announced size is not the expected one', async () => {
  handlers = [whole];
  await expect(download(url, path, { expectedBytes: 7 })).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    expected: '7 bytes',
    found: '300000 bytes announced by the server',
  });
  expect(requests).toHaveLength(1);
  expect(await names()).toEqual([]);
});

test('refuses a file of unannounced size that turns out too long', async () => {
  const unannounced: Handler = (_request, response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    response.end(CONTENT);
  };
  handlers = [unannounced];
  await expect(download(url, path, { expectedBytes: 7 })).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    found: '300000 bytes',
  });
  expect(await names()).toEqual([]);
});

test('follows a redirect', async () => {
  handlers = [(_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(), whole];
  await download(url, path, {});
  expect(await hasArrived()).toBe(true);
});

test('says why a server cannot be reached', async () => {
  await expect(download('http://127.0.0.1:1/x', path, { retries: 0 })).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    found: expect.stringContaining('ECONNREFUSED'),
    nextStep: expect.stringContaining('HTTPS_PROXY'),
  });
});

test('an abort rejects with its reason and keeps the partial file', async () => {
  const hang: Handler = (_request, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length });
    response.write(CONTENT.subarray(0, HALF));
  };
  handlers = [hang];
  const controller = new AbortController();
  const reason = new Error('enough');
  const onProgress = ({ doneBytes }: DownloadProgress) => {
    if (doneBytes === HALF) setTimeout(() => controller.abort(reason), 50);
  };
  await expect(download(url, path, { signal: controller.signal, onProgress })).rejects.toMatchObject({
    name: 'AbortError',
    code: 'ABORTED',
    cause: reason,
  });
  expect((await stat(`${path}.part`)).size).toBe(HALF);
  await discardPartialDownload(path);
  expect(await names()).toEqual([]);
});

test('a folder that cannot be made is an error of the disk, not of the network', async () => {
  await writeFile(path, 'a file');
  handlers = [whole];
  await expect(download(url, join(path, 'below', 'x'), {})).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
});

test('goes through the proxy of the environment', async () => {
  handlers = [whole];
  process.env.http_proxy = new URL(url).origin;
  try {
    await download('http://nowhere.invalid/file.bin', path, { retries: 0 });
  } finally {
    delete process.env.http_proxy;
  }
  expect(await hasArrived()).toBe(true);
});

test('a host that does not exist is a failed download, not a folder that cannot be written', async () => {
  await expect(download('http://host.invalid/x', path, { retries: 0 })).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
  });
  expect(await readdir(folder)).toEqual([]);
});
