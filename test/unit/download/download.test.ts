// Tests the resumable download against a real server on the loopback that breaks in the ways servers break.
// What the bytes mean is tested where they are used.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DownloadProgress, discardPartialDownload, download } from '../../../lib/download/index.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const CONTENT = randomBytes(300_000);
const HALF = CONTENT.length / 2;
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
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
/** What an earlier download left, and the version that it is of. */
async function leavePartial(bytes: Uint8Array, validator: string) {
  await writeFile(`${path}.part`, bytes);
  await writeFile(`${path}.part.etag`, validator);
}
const partialBytes = async () => (await stat(`${path}.part`).catch(() => undefined))?.size ?? 0;
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
  await leavePartial(Buffer.from('stale bytes of another version'), '"another"');
  handlers = [whole];
  await download(url, path, {});
  expect(requests[0]?.range).toBe('bytes=30-');
  expect(await hasArrived()).toBe(true);
});

test('takes nothing up whose version nobody knows, unless the digest will tell', async () => {
  await writeFile(`${path}.part`, CONTENT.subarray(0, HALF));
  handlers = [ranged];
  await download(url, path, {});
  expect(requests.map(({ range }) => range)).toEqual([undefined]);
  expect(await hasArrived()).toBe(true);

  await rm(path);
  await writeFile(`${path}.part`, CONTENT.subarray(0, HALF));
  await download(url, path, { sha256: SHA256 });
  expect(requests.at(-1)?.range).toBe(`bytes=${HALF}-`);
  expect(await hasArrived()).toBe(true);
});

const OTHER = Buffer.alloc(CONTENT.length, 'other');
const last = CONTENT.length - 1;

describe('a part that does not fit', () => {
  test.each<[string, number, Record<string, string>, Buffer]>([
    ['it starts elsewhere', 206, { 'content-range': `bytes 7-${last}/${CONTENT.length}` }, OTHER.subarray(7)],
    [
      'it starts one byte before',
      206,
      { 'content-range': `bytes ${HALF - 1}-${last}/${CONTENT.length}` },
      OTHER,
    ],
    [
      'it is of another version',
      206,
      { 'content-range': `bytes ${HALF}-${last}/${CONTENT.length}`, etag: '"b"' },
      OTHER.subarray(HALF),
    ],
    [
      'the whole has no size',
      206,
      { 'content-range': `bytes ${HALF}-${last}/*`, etag: ETAG },
      OTHER.subarray(HALF),
    ],
    ['it ends before it starts', 206, { 'content-range': `bytes ${HALF}-7/${CONTENT.length}` }, OTHER],
    [
      'it ends behind the whole',
      206,
      { 'content-range': `bytes ${HALF}-${last + 1}/${CONTENT.length}` },
      OTHER,
    ],
    ['its range is no range', 206, { 'content-range': 'bytes all of it' }, OTHER],
    ['it has no range', 206, {}, OTHER],
    ['it is of several parts', 206, { 'content-type': 'multipart/byteranges; boundary=x' }, OTHER],
    ['nothing is left of another length', 416, { 'content-range': 'bytes */7' }, OTHER],
    ['nothing is left, without a length', 416, {}, OTHER],
    ['nothing is left of another version', 416, { 'content-range': `bytes */${HALF}`, etag: '"b"' }, OTHER],
    [
      'it is of a file of another size and says nothing of its version',
      206,
      { 'content-range': `bytes ${HALF}-${last + 1}/${CONTENT.length + 1}` },
      OTHER.subarray(HALF - 1),
    ],
    ['nothing is left of a file of another size', 416, { 'content-range': `bytes */${HALF}` }, OTHER],
  ])('is thrown away and the whole asked for: %s', async (_name, code, headers, body) => {
    await leavePartial(CONTENT.subarray(0, HALF), `${ETAG}\n${CONTENT.length}`);
    handlers = [(_request, response) => response.writeHead(code, headers).end(body), ranged];
    await download(url, path, {});
    expect(requests.map(({ range }) => range)).toEqual([`bytes=${HALF}-`, undefined]);
    expect(await hasArrived()).toBe(true);
    expect(await names()).toEqual(['file.bin']);
  });

  test('the server announces another size', async () => {
    await leavePartial(CONTENT.subarray(0, HALF), ETAG);
    const headers = { 'content-range': `bytes ${HALF}-${last}/${CONTENT.length + 1}` };
    handlers = [(_request, response) => response.writeHead(206, headers).end(OTHER)];
    const failed = download(url, path, { expectedBytes: CONTENT.length });
    await expect(failed).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', expected: '300000 bytes' });
    // It may be the page of a proxy: what is there is good still.
    handlers = [ranged];
    await download(url, path, { expectedBytes: CONTENT.length });
    expect(requests.at(-1)?.range).toBe(`bytes=${HALF}-`);
    expect(await hasArrived()).toBe(true);
  });

  test('a range that ends behind the expected size is not written, whether or not it says of how much', async () => {
    const headers = { 'content-range': `bytes 0-${4 * CONTENT.length - 1}/*` };
    handlers = [
      (_request, response) => response.writeHead(206, headers).end(Buffer.alloc(4 * CONTENT.length)),
    ];
    let furthestBytes = 0;
    const onProgress = ({ doneBytes }: DownloadProgress) =>
      (furthestBytes = Math.max(furthestBytes, doneBytes));
    const options = { expectedBytes: CONTENT.length, retries: 1, onProgress };
    await expect(download(url, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      found: 'the server sent bytes up to 1200000 of 300000',
    });
    expect(furthestBytes).toBe(0);
    expect(await names()).toEqual([]);
  });

  test('the size of the first answer is remembered', async () => {
    handlers = [cut];
    await expect(download(url, path, { retries: 0 })).rejects.toThrow();
    const headers = { 'content-range': `bytes ${HALF}-${HALF + 999}/${HALF + 1000}` };
    handlers = [
      (_request, response) => response.writeHead(206, headers).end(OTHER.subarray(0, 1000)),
      ranged,
    ];
    await download(url, path, {});
    expect(requests.slice(1).map(({ range }) => range)).toEqual([`bytes=${HALF}-`, undefined]);
    expect(await hasArrived()).toBe(true);
  });

  test('the body is longer than its range', async () => {
    await leavePartial(CONTENT.subarray(0, HALF), ETAG);
    const headers = { 'content-range': `bytes ${HALF}-${HALF + 6}/${CONTENT.length}`, etag: ETAG };
    handlers = [(_request, response) => response.writeHead(206, headers).end(OTHER)];
    await expect(download(url, path, {})).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', found: 'more' });
    expect(await names()).toEqual([]);
  });
});

test('goes on where a part ends that is shorter than what was asked for', async () => {
  await leavePartial(CONTENT.subarray(0, 1000), ETAG);
  const short: Handler = (_request, response) => {
    const headers = { 'content-range': `bytes 1000-1999/${CONTENT.length}`, etag: ETAG };
    response.writeHead(206, headers).end(CONTENT.subarray(1000, 2000));
  };
  handlers = [short, ranged];
  await download(url, path, { retries: 1 });
  expect(requests.map(({ range }) => range)).toEqual(['bytes=1000-', 'bytes=2000-']);
  expect(await hasArrived()).toBe(true);
});

describe('with a digest', () => {
  const options = { expectedBytes: CONTENT.length, sha256: SHA256 };

  test('is whole after a cut at any of 50 places, and has its name only then', async () => {
    let wholeCount = 0;
    for (let cutAt = 0; cutAt < 50; cutAt++) {
      const bytes = Math.floor((cutAt * CONTENT.length) / 50) + (cutAt % 2);
      const cutThere: Handler = (_request, response) => {
        response.writeHead(200, { 'content-length': CONTENT.length, etag: ETAG });
        if (bytes === 0) response.flushHeaders();
        response.write(CONTENT.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
      };
      handlers = [cutThere];
      await expect(download(url, path, { ...options, retries: 0 }), `at ${bytes}`).rejects.toThrow();
      expect(await names()).not.toContain('file.bin');
      const left = await partialBytes();
      handlers = [ranged];
      await download(url, path, options);
      const goesOn = { range: `bytes=${left}-`, ifRange: ETAG };
      expect(requests.at(-1)).toEqual(left > 0 ? goesOn : { range: undefined, ifRange: undefined });
      if (left === bytes && left > 0) wholeCount++;
      expect(await hasArrived()).toBe(true);
      expect(await names()).toEqual(['file.bin']);
      await rm(path);
    }
    // What has arrived when a connection breaks may be lost before it is written, but that is rare.
    expect(wholeCount).toBeGreaterThan(25);
  });

  test('wrong bytes never have the final name', async () => {
    await writeFile(path, 'old');
    handlers = [(_request, response) => response.writeHead(200, { etag: ETAG }).end(OTHER)];
    await expect(download(url, path, options)).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      expected: `sha256 ${SHA256}`,
      found: expect.stringMatching(/^the wrong sha256 \w{64}$/),
    });
    expect(requests).toHaveLength(1);
    expect(await names()).toEqual(['file.bin']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  test('parts of two versions are thrown away and the whole is asked for', async () => {
    await writeFile(`${path}.part`, OTHER.subarray(0, HALF));
    handlers = [ranged];
    await download(url, path, { ...options, retries: 1 });
    expect(requests.map(({ range }) => range)).toEqual([`bytes=${HALF}-`, undefined]);
    expect(await hasArrived()).toBe(true);
  });

  test('a part that is whole already is checked and not asked for', async () => {
    await writeFile(`${path}.part`, CONTENT);
    handlers = [status(500)];
    await download(url, path, options);
    expect(requests).toEqual([]);
    expect(await hasArrived()).toBe(true);
  });

  test('bytes that the server compresses on its own are not taken for the file', async () => {
    const compressed: Handler = (_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(CONTENT));
    handlers = [compressed];
    await expect(download(url, path, { sha256: SHA256, retries: 0 })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
    });
    expect(await names()).toEqual([]);
  });
});

test('takes a partial file that is whole already', async () => {
  await leavePartial(CONTENT, ETAG);
  handlers = [ranged];
  await download(url, path, { expectedBytes: CONTENT.length });
  expect(requests).toHaveLength(1);
  expect(await hasArrived()).toBe(true);
});

test('throws away a partial file that is longer than the whole', async () => {
  await leavePartial(Buffer.concat([CONTENT, CONTENT]), ETAG);
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
    found: 'more',
  });
  expect(await names()).toEqual([]);
});

test('a body without end is left at the expected size', async () => {
  let sentBytes = 0;
  const endless: Handler = (_request, response) => {
    response.writeHead(200, { 'transfer-encoding': 'chunked' });
    const send = () => {
      while (!response.destroyed && response.write(CONTENT)) sentBytes += CONTENT.length;
    };
    response.on('drain', send);
    send();
  };
  handlers = [endless];
  let furthestBytes = 0;
  const onProgress = ({ doneBytes }: DownloadProgress) => (furthestBytes = doneBytes);
  await expect(download(url, path, { expectedBytes: CONTENT.length, onProgress })).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    found: 'more',
  });
  expect(furthestBytes).toBeLessThanOrEqual(CONTENT.length);
  expect(sentBytes).toBeLessThan(100 * CONTENT.length);
  expect(await names()).toEqual([]);
});

test('follows a redirect', async () => {
  handlers = [(_request, response) => response.writeHead(302, { location: '/elsewhere' }).end(), whole];
  await download(url, path, {});
  expect(await hasArrived()).toBe(true);
});

test('what only brings a byte an answer uses up the retries', async () => {
  const miser: Handler = (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-range': `bytes ${start}-${start}/${CONTENT.length}`, etag: ETAG };
    response.writeHead(206, headers).end(CONTENT.subarray(start, start + 1));
  };
  handlers = [miser];
  await expect(download(url, path, { retries: 1 })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  expect(requests.map(({ range }) => range)).toEqual([undefined, 'bytes=1-']);
});

describe('a validator that no header can carry counts as none', () => {
  test.each([
    ['zero bytes', Buffer.alloc(10)],
    ['other letters', '"é€"'],
    ['a line feed before the quote', '\n"a"'],
    ['a megabyte', `"${'a'.repeat(1 << 20)}"`],
  ])('where %s are kept', async (_name, kept) => {
    await leavePartial(CONTENT.subarray(0, HALF), '');
    await writeFile(`${path}.part.etag`, kept);
    handlers = [ranged];
    await download(url, path, { sha256: SHA256 });
    expect(requests).toEqual([{ range: `bytes=${HALF}-`, ifRange: undefined }]);
    expect(await hasArrived()).toBe(true);
  });

  test('where the server sends it', async () => {
    const cutOther: Handler = (_request, response) => {
      const etag = Buffer.from('"é"').toString('latin1');
      response.writeHead(200, { 'content-length': CONTENT.length, etag });
      response.write(CONTENT.subarray(0, HALF), () => setTimeout(() => response.destroy(), 50));
    };
    handlers = [cutOther, ranged];
    await download(url, path, {});
    expect(requests[1]).toEqual({ range: undefined, ifRange: undefined });
    expect(await hasArrived()).toBe(true);
  });
});

describe('what others put in the place of the partial file', () => {
  let mine: string;
  beforeEach(async () => {
    mine = join(folder, 'mine');
    await writeFile(mine, 'mine');
  });

  test.each([
    ['a symbolic link', '.part', symlink],
    ['a symbolic link', '.part.etag', symlink],
    ['another name of a file', '.part', link],
    ['another name of a file', '.part.etag', link],
  ])('%s at %s is not written through', async (_name, ending, make) => {
    await make(mine, path + ending);
    handlers = [ranged];
    await download(url, path, { sha256: SHA256 });
    expect(await hasArrived()).toBe(true);
    expect((await lstat(path)).isFile()).toBe(true);
    expect(await readFile(mine, 'utf8')).toBe('mine');
    expect(await names()).toEqual(['file.bin', 'mine']);
  });

  test.each(['.part', '.part.etag'])('a folder at %s is said and stays', async (ending) => {
    await mkdir(path + ending);
    handlers = [whole];
    await expect(download(url, path, { sha256: SHA256 })).rejects.toMatchObject({
      code: 'NOT_WRITABLE',
      found: 'a folder',
    });
    expect(await names()).toEqual([`file.bin${ending}`, 'mine']);
  });
});

describe('a redirect from https: to http:', () => {
  let secure: Server;
  beforeEach(async () => {
    const key = join(folder, 'key.pem');
    const certificate = join(folder, 'certificate.pem');
    const make =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost';
    execFileSync('openssl', [...make.split(' '), '-keyout', key, '-out', certificate], { stdio: 'ignore' });
    const options = { key: await readFile(key), cert: await readFile(certificate) };
    await Promise.all([rm(key), rm(certificate)]);
    secure = createSecureServer(options, (_request, response) =>
      response.writeHead(302, { location: url }).end(),
    );
    await new Promise<void>((done) => secure.listen(0, '127.0.0.1', done));
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    handlers = [whole];
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    secure.closeAllConnections();
    await new Promise((done) => secure.close(done));
  });
  const secureUrl = () => `https://127.0.0.1:${(secure.address() as AddressInfo).port}/file.bin`;

  test('is refused where no digest says what must come', async () => {
    await expect(download(secureUrl(), path, {})).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      found: 'a redirect to http:',
    });
    expect(await names()).toEqual([]);
  });

  test('is followed where a digest does', async () => {
    await download(secureUrl(), path, { sha256: SHA256 });
    expect(await hasArrived()).toBe(true);
  });
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
