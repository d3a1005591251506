// The life of a server in a program: options, several at once, its end in good order, and a stop at any moment of its start.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type ServeOptions, serve } from '../../lib/index.js';
import { call, classify, freePort, png, sharedCheckpoint, startServer } from './support.js';

const checkpoint = sharedCheckpoint();
const start = (options: object) =>
  serve({ checkpoint: checkpoint(), port: 0, drainDelayMs: 0, ...options } as ServeOptions);

describe('options', () => {
  test.each<[object, string]>([
    [{ port: -1 }, 'port'],
    [{ port: '80' }, 'port'],
    [{ host: '' }, 'host'],
    [{ deadlineMs: 0 }, 'deadlineMs'],
    [{ maxImages: 1.5 }, 'maxImages'],
    [{ maxBodyBytes: 1000 }, 'maxBodyBytes'],
    [{ drainDelayMs: -1 }, 'drainDelayMs'],
    [{ rateLimit: 0 }, 'rateLimit'],
    [{ trustProxy: 'yes' }, 'trustProxy'],
    [{ watch: 1 }, 'watch'],
    [{ logLevel: 'loud' }, 'logLevel'],
    [{ maxQueue: 0 }, 'maxQueue'],
    [{ maxWaitMs: 0 }, 'maxWaitMs'],
    [{ maxBatch: 'many' }, 'maxBatch'],
    [{ checkpoint: undefined }, 'checkpoint'],
    [{ checkpoint: 7 }, 'checkpoint'],
  ])('%j is refused by name', async (options, name) => {
    await expect(start(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`"${name}"`),
    });
  });

  test.each([
    'short',
    'with a space in it',
    `${'x'.repeat(1025)}`,
    'täken-with-umlauts',
    'line\nbreak-in-a-token',
  ])('the token %j is refused, and not told', async (token) => {
    const error = await start({ token }).catch((reason) => reason);
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      expected: expect.stringContaining('16 to 1024'),
    });
    expect(error.message).not.toContain(token);
  });

  test('a host name and IPv6 are listened at', async () => {
    for (const host of ['localhost', '::1']) {
      const server = await startServer(checkpoint(), { host });
      expect((await call(server, '/v2/health/ready')).status).toBe(200);
      await server.close();
    }
  });

  test('an address of another machine, or a taken port, is LISTEN_FAILED', async () => {
    const { port } = new URL((await startServer(checkpoint())).url);
    for (const options of [{ host: '192.0.2.1' }, { port: Number(port) }])
      await expect(start(options)).rejects.toMatchObject({
        code: 'LISTEN_FAILED',
        nextStep: expect.any(String),
      });
  });
});

test('two servers in one process answer apart, and one ends without the other', async () => {
  const [one, two] = await Promise.all([startServer(checkpoint()), startServer(checkpoint())]);
  await one.close();
  expect((await classify(two, await png(0))).status).toBe(200);
  await expect(fetch(one.url)).rejects.toThrow();
});

describe('close', () => {
  test('answers what has come, and what comes in the time it waits', async () => {
    const server = await startServer(checkpoint(), { drainDelayMs: 300, maxDelayMs: 600 });
    const image = await png(0);
    const early = classify(server, image);
    await sleep(50);
    const closing = server.close();
    await sleep(50);
    const late = classify(server, image);
    for (const { status, headers } of await Promise.all([early, late])) {
      expect(status).toBe(200);
      expect(headers.get('connection')).toBe('close');
    }
    await closing;
    await server.close();
  });

  test('does not wait for connections that nobody uses', async () => {
    const server = await startServer(checkpoint());
    await classify(server, await png(0)); // fetch keeps its connection
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('a stop by its signal', () => {
  test.each([undefined, 0, 1, 5, 20, 60, 150])(
    '%s ms after the call leaves nothing behind',
    async (delayMs) => {
      const controller = new AbortController();
      const own = await freePort();
      if (delayMs === undefined) controller.abort('mine');
      const starting = start({ port: own, signal: controller.signal });
      if (delayMs !== undefined) setTimeout(() => controller.abort('mine'), delayMs);
      const outcome = await starting.then(
        () => 'started',
        (error) => error,
      );
      if (outcome !== 'started') expect(outcome).toMatchObject({ code: 'ABORTED', cause: 'mine' });
      else await sleep(1000);
      await expect(fetch(`http://127.0.0.1:${own}/v2/health/live`)).rejects.toThrow();
    },
  );

  test('when it runs: as close', async () => {
    const controller = new AbortController();
    const server = await startServer(checkpoint(), { signal: controller.signal });
    const answer = classify(server, await png(0), '?tta=2');
    await sleep(10);
    controller.abort();
    expect((await answer).status).toBe(200);
    await server.close();
    await expect(fetch(server.url)).rejects.toThrow();
  });
});
