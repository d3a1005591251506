// More than the server can take, and clients that are slow, gone or lie about lengths: it refuses at once or in time, and what it
// held for them is free again.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ClassifierServer } from '../../lib/index.js';
import {
  answerOn,
  call,
  classify,
  figures,
  form,
  isWhole,
  open,
  png,
  sharedCheckpoint,
  startServer,
  until,
  untilFree,
} from './support.js';

const MIB = 2 ** 20;
const checkpoint = sharedCheckpoint();
/** An image waits so long for others that it is in nobody's way, and in the queue for all of a test. */
const WAITING = { maxDelayMs: 10_000 };

const head = (...headers: string[]) =>
  ['POST /v1/classify HTTP/1.1', 'host: x', ...headers, '', ''].join('\r\n');

const depth = async (server: ClassifierServer) => (await figures(server)).get('cifar10_torch_queue_depth');
const heldBytes = async (server: ClassifierServer) =>
  (await figures(server)).get('cifar10_torch_body_bytes') as number;

async function rejections(server: ClassifierServer, reason: string): Promise<number> {
  return (await figures(server)).get(`cifar10_torch_rejected_total{reason="${reason}"}`) ?? 0;
}

describe('the queue', () => {
  test('full: refused at once, with the time to come again; those in it are answered', async () => {
    const server = await startServer(checkpoint(), { maxQueue: 4, maxBatch: 5, maxDelayMs: 1000 });
    const image = await png(0);
    const waiting = [1, 2, 3, 4].map(() => classify(server, image));
    await until('the queue is full', async () => (await depth(server)) === 4);
    const began = performance.now();
    const refused = await classify(server, image);
    expect(performance.now() - began).toBeLessThan(500);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.json.error.code).toBe('QUEUE_FULL');
    const model = await call(server, '/v2/models/cifar10/infer', { method: 'POST', body: '{}' });
    expect([model.status, model.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await classify(server, image)).status).toBe(200);
    expect(await rejections(server, 'QUEUE_FULL')).toBe(2);
    await untilFree(server);
  });

  test('a request that is still sending its picture has its place: another is refused before it sends one', async () => {
    const server = await startServer(checkpoint(), { maxQueue: 1 });
    const slow = await open(server);
    slow.write(head('content-length: 100'));
    await until('it is inside', async () => {
      const socket = await open(server);
      socket.write(head('content-length: 100')); // and no body
      return (await answerOn(socket, isWhole)).startsWith('HTTP/1.1 503');
    });
    slow.destroy();
    await until('its place is free', async () => (await classify(server, await png(0))).status === 200);
  });

  test('longer than a request may wait: one more is refused at once, though there are places', async () => {
    const server = await startServer(checkpoint(), { maxWaitMs: 1, maxBatch: 100, maxDelayMs: 1500 });
    const image = await png(0);
    const slow = await open(server);
    slow.write(`${head(`content-length: ${image.length}`)}`);
    const images = Array.from({ length: 32 }, (_, name) => [`${name}`, image] as const);
    const waiting = classify(server, form(...images), '?tta=2');
    await until('it waits', async () => (await depth(server)) === 32);
    expect((await figures(server)).get('cifar10_torch_expected_wait_seconds')).toBeGreaterThan(0.001);

    const refused = await classify(server, image);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(refused.json.error).toMatchObject({ code: 'QUEUE_FULL', found: 'a wait of more than 1 ms' });
    const model = await call(server, '/v2/models/cifar10/infer', { method: 'POST', body: '{}' });
    expect([model.status, model.headers.get('retry-after')]).toEqual([503, '1']);
    // It was let in before the form.
    slow.write(image);
    const late = await answerOn(slow, isWhole);
    expect(late).toMatch(
      /^HTTP\/1\.1 503 .*retry-after: 1\r\n.*too many images wait to be classified: expected a wait of at most 1 ms, found one of about \d+ ms/s,
    );

    expect((await waiting).status).toBe(200);
    expect((await classify(server, image)).status).toBe(200);
    expect(await rejections(server, 'QUEUE_FULL')).toBe(3);
    await untilFree(server);
  });

  test('requests that still send their pictures keep no one waiting', async () => {
    const server = await startServer(checkpoint(), { maxWaitMs: 1 });
    const sending = await Promise.all(Array.from({ length: 100 }, () => open(server)));
    for (const socket of sending) socket.write(head('content-length: 100'));
    await figures(server); // their heads have come before
    expect((await classify(server, await png(0))).status).toBe(200);
  });

  test('too full for a form: that is refused, a single image is not', async () => {
    const server = await startServer(checkpoint(), { maxQueue: 4, maxBatch: 4, maxDelayMs: 1000 });
    const image = await png(0);
    const waiting = classify(server, image);
    await until('it waits', async () => (await depth(server)) === 1);
    const names = ['1', '2', '3', '4'] as const;
    expect((await classify(server, form(...names.map((name) => [name, image] as const)))).status).toBe(503);
    expect((await classify(server, image)).status).toBe(200);
    expect((await waiting).status).toBe(200);
  });

  test('a form of more images than the queue has places takes its turns', async () => {
    const server = await startServer(checkpoint(), { maxQueue: 2 });
    const image = await png(0);
    const files = Array.from({ length: 32 }, (_, name) => [`${name}`, image] as const);
    const { status, json } = await classify(server, form(...files));
    expect(status).toBe(200);
    expect(json.predictions).toHaveLength(32);
  });
});

describe('the deadline', () => {
  test('passes while the image waits: 504, and its place is free', async () => {
    const server = await startServer(checkpoint(), { ...WAITING, deadlineMs: 200 });
    for (const query of ['', '?pixels=true', '?tta=1']) {
      const began = performance.now();
      const { status, json } = await classify(server, await png(0), query);
      expect(performance.now() - began).toBeLessThan(2000);
      expect(json.error.code).toBe('DEADLINE_EXCEEDED');
      expect(status).toBe(504);
    }
    const tensor = { name: 'images', datatype: 'UINT8', shape: [1, 1, 1, 3], data: [1, 2, 3] };
    const body = JSON.stringify({ inputs: [tensor] });
    const model = await call(server, '/v2/models/cifar10/infer', { method: 'POST', body });
    expect(model.status).toBe(504);
    expect(model.json).toEqual({ error: expect.stringContaining('took too long') });
    await untilFree(server);
  });

  test.each([
    ['an image', '/v1/classify', 'image/png', ''],
    [
      'a form',
      '/v1/classify',
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n',
    ],
    ['the head of a form', '/v1/classify', 'multipart/form-data; boundary=x', '--x\r\ncontent-disposition:'],
    ['a tensor', '/v2/models/cifar10/infer', 'application/json', '{'],
    [
      'a compressed tensor',
      '/v2/models/cifar10/infer',
      'application/json\r\ncontent-encoding: gzip',
      gzipSync(randomBytes(100_000)).toString('latin1'),
    ],
  ])('passes while the body comes, of %s', async (_what, path, type, begin) => {
    const server = await startServer(checkpoint(), { deadlineMs: 300 });
    const socket = await open(server);
    const answer = answerOn(socket, isWhole);
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 1000000\r\n\r\n`,
    );
    const body = Buffer.concat([Buffer.from(begin, 'latin1'), Buffer.alloc(100_000, 'a')]);
    let sent = 0;
    const drip = setInterval(() => {
      socket.write(body.subarray(sent, sent + 100));
      sent += 100;
    }, 20);
    expect(await answer).toMatch(/^HTTP\/1.1 504 /);
    clearInterval(drip);
    await untilFree(server);
    expect(await rejections(server, 'DEADLINE_EXCEEDED')).toBe(1);
  });
});

describe('a client that goes', () => {
  test('while its image waits: the place is free at once, and it is not counted as answered', async () => {
    const server = await startServer(checkpoint(), WAITING);
    const controller = new AbortController();
    const gone = classify(server, await png(0), '', { signal: controller.signal }).catch(() => 'gone');
    await until('it waits', async () => (await depth(server)) === 1);
    expect(await heldBytes(server)).toBeGreaterThan(0);
    controller.abort();
    expect(await gone).toBe('gone');
    await untilFree(server);
    const line = 'cifar10_torch_requests_total{method="POST",route="/v1/classify",status="499"}';
    await until('it is counted', async () => (await figures(server)).get(line) === 1);
  });

  test.each([
    ['an image', '/v1/classify', 'image/png', ''],
    [
      'a form',
      '/v1/classify',
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n',
    ],
    ['a tensor', '/v2/models/cifar10/infer', 'application/json', ''],
  ])('while its body comes, of %s', async (_what, path, type, begin) => {
    const server = await startServer(checkpoint());
    const socket = await open(server);
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 1000000\r\n\r\n`,
    );
    socket.write(begin + 'a'.repeat(100_000));
    await until('some of it is held', async () => (await heldBytes(server)) >= 100_000);
    socket.destroy();
    await untilFree(server);
    await until('it is counted', async () => (await rejections(server, 'CLIENT_GONE')) === 1);
  });

  test('in the middle of many: the others are answered', async () => {
    const server = await startServer(checkpoint());
    const image = await png(0);
    const all = Array.from({ length: 40 }, (_, index) => {
      const signal = index % 2 === 0 ? AbortSignal.timeout(1 + index) : null;
      return classify(server, image, '?tta=2', { signal }).then(
        ({ status }) => status,
        () => 'gone',
      );
    });
    const ends = await Promise.all(all);
    expect(ends.filter((_, index) => index % 2 === 1)).toEqual(Array(20).fill(200));
    await untilFree(server);
  });
});

describe('too many bytes', () => {
  const large = Buffer.alloc(12 * MIB);

  /** Sends all of it, whatever the server says; gives what it said, and what broke the connection meanwhile. */
  async function sendAll(server: ClassifierServer, headers: string, body: Buffer) {
    const socket = await open(server);
    let broken: string | undefined;
    socket.on('error', ({ message }) => (broken = message));
    const answer = answerOn(socket, isWhole);
    socket.write(headers);
    for (let at = 0; at < body.length && !socket.destroyed; at += MIB / 2) {
      const isTaken = socket.write(body.subarray(at, at + MIB / 2));
      if (!isTaken) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => {});
    }
    return { answer: await answer, broken };
  }

  const chunked = (body: Buffer) =>
    Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);

  test.each([
    ['announced', head(`content-length: ${large.length}`), large],
    [
      'announced, on a connection that shall close',
      head(`content-length: ${large.length}`, 'connection: close'),
      large,
    ],
    ['not announced', head('transfer-encoding: chunked'), chunked(large)],
    [
      'not announced, on a connection that shall close',
      head('transfer-encoding: chunked', 'connection: close'),
      chunked(large),
    ],
    ['announced as a terabyte', head('content-length: 1000000000000'), large],
  ])('%s: 413, which the client reads while it sends', async (_what, headers, body) => {
    const server = await startServer(checkpoint());
    const { answer, broken } = await sendAll(server, headers, body);
    expect(answer).toMatch(/^HTTP\/1.1 413 [\s\S]*"BODY_TOO_LARGE"/);
    expect(broken).toBeUndefined();
    expect((await classify(server, await png(0))).status).toBe(200);
    await untilFree(server);
  });

  test('what announces little and sends much is no HTTP', async () => {
    const server = await startServer(checkpoint());
    const { answer } = await sendAll(server, head('content-length: 10'), large);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect((await classify(server, await png(0))).status).toBe(200);
    await untilFree(server);
  });

  test('of all requests together: 503, with the time to come again', async () => {
    const server = await startServer(checkpoint(), { maxBodyBytes: 8 * MIB });
    const first = await open(server);
    first.write(head(`content-length: ${7 * MIB}`));
    first.write(large.subarray(0, 6 * MIB));
    await until('it is held', async () => (await heldBytes(server)) >= 6 * MIB);
    expect(await heldBytes(server)).toBeLessThanOrEqual(8 * MIB);
    const { status, headers, json } = await classify(server, large.subarray(0, 5 * MIB));
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
    expect(json.error.code).toBe('QUEUE_FULL');
    first.destroy();
    await untilFree(server);
    expect((await classify(server, await png(0))).status).toBe(200);
  });

  test('a request that could never be held is told so, not to come again', async () => {
    const server = await startServer(checkpoint(), { maxBodyBytes: 8 * MIB });
    const half = new Uint8Array(5 * MIB);
    const { status } = await classify(server, form(['1', half], ['2', half]));
    expect(status).toBe(413);
    await untilFree(server);
  });

  test('a body in the smallest pieces takes no more memory than another', async () => {
    const server = await startServer(checkpoint());
    const pieces = Buffer.from('1\r\na\r\n'.repeat(MIB / 2));
    const socket = await open(server);
    const answer = answerOn(socket, isWhole);
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }, 5);
    socket.write(head('transfer-encoding: chunked'));
    socket.write(pieces);
    socket.write('0\r\n\r\n');
    expect(await answer).toMatch(/^HTTP\/1.1 400 [\s\S]*"IMAGE_INVALID"/);
    clearInterval(watch);
    expect(most).toBeLessThan(40 * MIB);
  });

  test.each([
    ['gzip', gzipSync(Buffer.alloc(200 * MIB))],
    ['deflate', deflateSync(Buffer.alloc(200 * MIB))],
  ])('a bomb in %s: 413, and no more memory than is allowed', async (encoding, body) => {
    const server = await startServer(checkpoint(), { maxBodyBytes: 16 * MIB });
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }, 2);
    const bombs = Array.from({ length: 8 }, () =>
      call(server, '/v2/models/cifar10/infer', {
        method: 'POST',
        body,
        headers: { 'content-encoding': encoding },
      }),
    );
    for (const { status, json } of await Promise.all(bombs)) {
      expect([413, 503]).toContain(status);
      expect(json).toEqual({ error: expect.any(String) });
    }
    clearInterval(watch);
    expect(most).toBeLessThan(100 * MIB);
    await untilFree(server);
  });
});
