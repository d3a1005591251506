// Who may ask, and how often: the token, the rate, and whose address counts behind a proxy.
import { describe, expect, test } from 'vitest';
import {
  answerOn,
  call,
  classify,
  figures,
  isWhole,
  open,
  png,
  sharedCheckpoint,
  sharedServer,
  startServer,
} from './support.js';

const checkpoint = sharedCheckpoint();
const TOKEN = 'correct-horse-battery-staple';

describe('the token', () => {
  const server = sharedServer(checkpoint, { token: TOKEN });
  const bearer = (token: string) => ({ headers: { authorization: token } });

  test.each([
    ['POST', '/v1/classify'],
    ['GET', '/v1/model'],
    ['GET', '/metrics'],
    ['HEAD', '/metrics'],
    ['GET', '/v2'],
    ['GET', '/v2/'],
    ['GET', '/v2/models/cifar10'],
    ['GET', '/v2/models/other'],
    ['POST', '/v2/models/cifar10/infer'],
  ])('%s %s needs it', async (method, path) => {
    const wrong = [
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN} ${TOKEN}`,
    ];
    for (const each of wrong) {
      const body = method === 'POST' ? await png(0) : null;
      const { status, headers, text } = await call(server(), path, { method, body, ...bearer(each) });
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toBe('Bearer');
      expect(text).not.toContain(TOKEN);
    }
  });

  test('with it, all is answered', async () => {
    expect((await classify(server(), await png(0), '', bearer(`Bearer ${TOKEN}`))).status).toBe(200);
    for (const path of ['/v1/model', '/metrics', '/v2', '/v2/models/cifar10'])
      expect((await call(server(), path, bearer(`Bearer ${TOKEN}`))).status).toBe(200);
  });

  test.each([
    '/',
    '/main.js',
    '/docs/',
    '/docs/json',
    '/v2/health/live',
    '/v2/health/ready',
    '/v2/models/cifar10/ready',
  ])('%s needs none', async (path) => expect((await call(server(), path)).status).toBe(200));

  test('the errors are those of the API that was asked', async () => {
    expect((await classify(server(), await png(0))).json).toMatchObject({
      error: { code: 'UNAUTHORIZED', nextStep: expect.any(String) },
    });
    expect((await call(server(), '/v2/models/cifar10')).json).toEqual({ error: expect.any(String) });
  });

  test('a large body without it: the client reads the answer', async () => {
    const socket = await open(server());
    const answer = answerOn(socket, isWhole);
    socket.write(`POST /v1/classify HTTP/1.1\r\nhost: x\r\ncontent-length: ${2 ** 24}\r\n\r\n`);
    socket.write(Buffer.alloc(2 ** 24));
    expect(await answer).toMatch(/^HTTP\/1.1 401 /);
  });
});

describe('the rate', () => {
  const burst = async (count: number, address: (index: number) => string, options: object) => {
    const server = await startServer(checkpoint(), { rateLimit: 3, ...options });
    const image = await png(0);
    const calls = Array.from({ length: count }, (_, index) =>
      classify(server, image, '', { headers: { 'x-forwarded-for': address(index) } }),
    );
    return { server, answers: await Promise.all(calls) };
  };
  const count = (answers: { status: number }[], wanted: number) =>
    answers.filter(({ status }) => status === wanted).length;

  test('beyond it: 429, with the time to come again; GET is not limited', async () => {
    const { server, answers } = await burst(10, () => '10.0.0.1', {});
    expect(count(answers, 200)).toBeGreaterThanOrEqual(3);
    expect(count(answers, 429)).toBeGreaterThanOrEqual(4);
    expect(count(answers, 200) + count(answers, 429)).toBe(10);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(refused?.json.error).toMatchObject({ code: 'RATE_LIMITED', expected: 'at most 3 a second' });
    for (let index = 0; index < 10; index++) expect((await call(server, '/v1/model')).status).toBe(200);
    const limited = (await figures(server)).get('cifar10_torch_rejected_total{reason="RATE_LIMITED"}');
    expect(limited).toBe(count(answers, 429));
  });

  test('of the protocol, too', async () => {
    const server = await startServer(checkpoint(), { rateLimit: 1 });
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => call(server, '/v2/models/cifar10/infer', { method: 'POST', body: '{}' })),
    );
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.json).toEqual({ error: expect.any(String) });
  });

  test('what a client says of its address does not count', async () => {
    const { answers } = await burst(10, (index) => `10.0.0.${index}`, {});
    expect(count(answers, 429)).toBeGreaterThanOrEqual(4);
  });

  test('what a proxy says does, where one is trusted', async () => {
    const { answers } = await burst(10, (index) => `10.0.0.${index}`, { trustProxy: true });
    expect(count(answers, 200)).toBe(10);
  });
});
