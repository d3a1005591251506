// What nobody should send, by the hundreds: each is refused as the sender's mistake, what the server holds does not grow, and the
// next good image is answered.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  answerOn,
  classify,
  isWhole,
  jpeg,
  open,
  png,
  sharedCheckpoint,
  sharedServer,
  untilFree,
} from './support.js';

const MIB = 2 ** 20;
const server = sharedServer(sharedCheckpoint(), { deadlineMs: 2000 });

/** Sends these bytes on a connection of their own; gives the status, or `cut` where there is none. */
async function sendRaw(bytes: string | Buffer, isEnded: boolean): Promise<number | 'cut'> {
  const socket = await open(server());
  const answer = answerOn(socket, isWhole);
  socket.write(bytes);
  if (isEnded) socket.end();
  const [, status] = /^HTTP\/1.1 (\d+)/.exec(await answer) ?? [];
  socket.destroy();
  return status === undefined ? 'cut' : Number(status);
}

const headed = (type: string, body: Buffer | string, announced = Buffer.byteLength(body)) =>
  Buffer.concat([
    Buffer.from(
      `POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${announced}\r\n\r\n`,
    ),
    Buffer.from(body),
  ]);

const FORM = 'multipart/form-data; boundary=x';
const part = (body: string) => `--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n${body}`;

/** Ways to get an upload wrong; each is told a number, so that no two are alike. */
async function mistakes() {
  const [good, photo] = [await png(0), await jpeg(0)];
  const cut = (bytes: Buffer, number: number) => bytes.subarray(0, 1 + ((number * 37) % (bytes.length - 1)));
  const flipped = (number: number) => {
    const bytes = Buffer.from(good);
    bytes[8 + (number % 20)] = ~(bytes[8 + (number % 20)] as number);
    return bytes;
  };
  const huge = (number: number) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt32BE(20_000 + number, 16);
    bytes.writeUInt32BE(20_000, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
    return bytes;
  };
  const hugePhoto = (number: number) => {
    const bytes = Buffer.from(photo);
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
    bytes.writeUInt16BE(60_000, frame + 5);
    bytes.writeUInt16BE(60_000 + number, frame + 7);
    return bytes;
  };
  return {
    'a PNG that says it is huge': (number: number) => headed('image/png', huge(number)),
    'a JPEG that says it is huge': (number: number) => headed('image/jpeg', hugePhoto(number)),
    text: (number: number) => headed('text/plain', `no image ${number}`),
    nothing: () => headed('image/png', ''),
    noise: (number: number) => headed('image/png', randomBytes(1 + number * 100)),
    'a damaged head': (number: number) => headed('image/png', flipped(number)),
    'a PNG that ends early': (number: number) =>
      headed('image/png', cut(good.subarray(0, good.length / 2), number)),
    'a JPEG that ends early': (number: number) => headed('image/jpeg', cut(photo.subarray(0, 300), number)),
    'a form of another boundary': (number: number) =>
      headed('multipart/form-data; boundary=y', `${part('a'.repeat(number))}\r\n--x--\r\n`),
    'a form without end': (number: number) => headed(FORM, part('a'.repeat(number))),
    'a form of noise': (number: number) => headed(FORM, randomBytes(100 * number + 1)),
    'a form in a form': () => headed(FORM, `${part(part(''))}\r\n--x--\r\n`),
    'a form with much in its head': (number: number) =>
      headed(FORM, `--x\r\n${'a: b\r\n'.repeat(500 * number)}\r\n\r\n--x--\r\n`),
    'an unknown parameter': (number: number) =>
      headed('image/png', good).toString('latin1').replace('classify', `classify?n=${number}`),
  };
}

describe('hundreds of bad uploads', () => {
  test('are refused with 4xx, take no memory, and the next image is answered', async () => {
    const all = Object.entries(await mistakes());
    const statuses = new Set<number | 'cut'>();
    const round = async (rounds: number) => {
      for (let number = 1; number <= rounds; number++)
        for (const status of await Promise.all(all.map(([, make]) => sendRaw(make(number), false))))
          statuses.add(status);
    };
    await round(8);
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    await round(34);
    expect([...statuses].filter((status) => status === 'cut' || status < 400 || status >= 500)).toEqual([]);
    expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(100);
    expect((await classify(server(), await png(0))).status).toBe(200);
    await untilFree(server());
  });

  test.each(['text', 'a form without end', 'a PNG that ends early'] as const)(
    '%s, cut off by its sender',
    async (kind) => {
      const make = (await mistakes())[kind];
      await Promise.all(
        Array.from({ length: 20 }, (_, number) => sendRaw(make(number + 1).subarray(0, -3), true)),
      );
      await untilFree(server());
      expect((await classify(server(), await png(0))).status).toBe(200);
    },
  );
});

test.each([
  ['nothing', ''],
  ['noise', '\0\x01\x02\xff\xfe\r\n\r\n'],
  ['a greeting of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['no method', ' / HTTP/1.1\r\n\r\n'],
  ['an unknown method', 'CLASSIFY / HTTP/1.1\r\nhost: x\r\n\r\n'],
  ['an unknown version', 'GET / HTTP/9.9\r\nhost: x\r\n\r\n'],
  ['no host', 'POST /v1/classify HTTP/1.1\r\ncontent-length: 1\r\n\r\na'],
  [
    'two lengths',
    'POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
  ],
  [
    'a length and chunks',
    'POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a negative length', 'POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n'],
  [
    'chunks of no length',
    'POST /v1/classify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  ],
  ['no chunks', 'POST /v1/classify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['an endless header', `GET / HTTP/1.1\r\nhost: ${'x'.repeat(100_000)}\r\n\r\n`],
  [
    'a smuggled request',
    'POST /v1/classify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\ncontent-length: 4\r\n\r\n1\r\na',
  ],
])('%s in place of HTTP: refused, or the connection is closed', async (_what, bytes) => {
  const answer = await Promise.race([
    sendRaw(Buffer.from(bytes, 'latin1'), bytes === ''),
    sleep(1500, 'open'),
  ]);
  expect(answer === 'cut' || (Number(answer) >= 400 && Number(answer) < 500), `${answer}`).toBe(true);
  expect((await classify(server(), await png(0))).status).toBe(200);
});
