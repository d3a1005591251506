// What whoever runs a server sees of it: figures, log, readiness; and what everybody sees: the description of the API and the page.
import { describe, expect, onTestFinished, test } from 'vitest';
import { serve } from '../../lib/index.js';
import {
  answerOn,
  call,
  classify,
  figures,
  form,
  freePort,
  open,
  png,
  sharedCheckpoint,
  sharedServer,
  startServer,
  until,
} from './support.js';

const checkpoint = sharedCheckpoint();
const server = sharedServer(checkpoint);
const PREFIX = 'cifar10_torch_';

describe('figures', () => {
  test('are in the format of Prometheus: each series has a type, none comes twice', async () => {
    const { text, headers } = await call(server(), '/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of lines) {
      const [, name = ''] =
        /^([a-z_][a-z0-9_]*)(?:\{(?:[a-z_]+="[^"]*",?)*\})? (?:-?[\d.e+-]+|\+Inf|Nan)$/i.exec(line) ?? [];
      expect(
        types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram',
        line,
      ).toBe(true);
    }
    expect(new Set(lines.map((line) => line.split(' ')[0])).size).toBe(lines.length);
  });

  test('tell of requests, batches, the queue, refusals and the model', async () => {
    const own = await startServer(checkpoint());
    await classify(own, form(['1', await png(1)], ['2', await png(2)], ['3', await png(3)]));
    await classify(own, 'no image');
    const now = await figures(own);
    const { version, net, device, dtype } = (await call(own, '/v1/model')).json;
    const route = 'route="/v1/classify"';
    const expected: Record<string, number> = {
      [`requests_total{method="POST",${route},status="200"}`]: 1,
      [`requests_total{method="POST",${route},status="400"}`]: 1,
      [`request_duration_seconds_count{${route},status="200"}`]: 1,
      [`request_duration_seconds_count{${route},status="400"}`]: 1,
      [`request_duration_seconds_bucket{le="+Inf",${route},status="200"}`]: 1,
      images_total: 3,
      batch_images_sum: 3,
      batch_duration_seconds_count: now.get(`${PREFIX}batch_images_count`) as number,
      queue_wait_seconds_count: now.get(`${PREFIX}batch_images_count`) as number,
      queue_depth: 0,
      expected_wait_seconds: 0,
      body_bytes: 0,
      ready: 1,
      'rejected_total{reason="IMAGE_INVALID"}': 1,
      [`model_info{version="${version}",net="${net}",device="${device}",dtype="${dtype}"}`]: 1,
    };
    for (const [name, value] of Object.entries(expected)) expect(now.get(PREFIX + name), name).toBe(value);
    expect(now.get(`${PREFIX}batch_images_count`)).toBeGreaterThan(0);
  });

  test('do not grow with the addresses that clients make up', async () => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        await call(server(), `/made-up-${index}`);
        await call(server(), `/v2/models/made-up-${index}`);
        await call(server(), `/v1/classify?made-up-${index}=1`, { method: 'POST', body: 'x' });
        await call(server(), `/docs/static/made-up-${index}`);
      }),
    );
    const { text } = await call(server(), '/metrics');
    expect(text).not.toContain('made-up');
    const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route));
    expect(routes.size).toBeLessThan(12);
    expect(routes).toContain('/v2/models/:name');
  });

  test('of two servers in one process are apart', async () => {
    const other = await startServer(checkpoint());
    await classify(other, await png(0));
    const line = `${PREFIX}images_total`;
    const before = (await figures(server())).get(line);
    await classify(other, await png(0));
    expect((await figures(server())).get(line)).toBe(before);
    expect((await figures(other)).get(line)).toBe(2);
  });
});

describe('the log', () => {
  const TOKEN = 'correct-horse-battery-staple';

  test('is one JSON object a line, without images, tokens and queries', async () => {
    const lines: string[] = [];
    const logStream = { write: (line: string) => void lines.push(line) };
    const own = await startServer(checkpoint(), { logLevel: 'debug', logStream, token: TOKEN });
    const image = await png(0);
    const headers = { authorization: `Bearer ${TOKEN}` };
    await classify(own, image, '?topK=2', { headers });
    await classify(own, form(['secret-name.png', image]), '', { headers });
    await classify(own, image, '?topK=secret', { headers });
    await classify(own, image, '', { headers: { authorization: 'Bearer another-secret-token' } });
    await call(own, '/secret?secret=1');
    await call(own, '/%zz-secret');
    (await open(own)).write('secret garbage\r\n\r\n');
    await until('all are logged', () => lines.filter((line) => line.includes('"request"')).length >= 5);
    await own.close();
    const records = lines.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line));
    for (const record of records)
      expect(record).toMatchObject({ level: expect.any(Number), time: expect.any(Number) });
    const all = lines.join('');
    for (const secret of [TOKEN, 'secret', 'topK', image.toString('base64').slice(0, 20), 'PNG'])
      expect(all).not.toContain(secret);
    const requests = records.filter(({ msg }) => msg === 'request');
    expect(requests).toContainEqual(
      expect.objectContaining({ method: 'POST', route: '/v1/classify', status: 200 }),
    );
    expect(requests).toContainEqual(expect.objectContaining({ route: 'none', status: 404 }));
    expect(records).toContainEqual(expect.objectContaining({ msg: 'ready', url: own.url }));
  });

  test('is silent unless it is asked for', async () => {
    const lines: string[] = [];
    const write = process.stdout.write;
    process.stdout.write = ((chunk: string) => lines.push(chunk) > 0) as typeof write;
    onTestFinished(() => {
      process.stdout.write = write;
    });
    const own = await startServer(checkpoint());
    await classify(own, 'no image');
    await own.close();
    process.stdout.write = write;
    expect(lines).toEqual([]);
  });
});

describe('readiness', () => {
  test('comes after loading and warm-up, and ends with close, at once', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const starting = serve({ checkpoint: checkpoint(), port, drainDelayMs: 300, watch: false });
    const seen = new Set<number>();
    const probe = async () => (await fetch(`${url}/v2/health/ready`)).status;
    await until('it listens', () =>
      probe().then(
        (status) => seen.add(status).size > 0,
        () => false,
      ),
    );
    expect((await fetch(`${url}/v2/health/live`)).status).toBe(200);
    const early = await fetch(`${url}/v1/classify`, { method: 'POST', body: await png(0) });
    if (early.status !== 200) {
      expect(early.status).toBe(503);
      expect(early.headers.get('retry-after')).toBe('1');
      expect(await early.json()).toMatchObject({ error: { code: 'NOT_READY' } });
    }
    expect(seen).toContain(503);
    const own = await starting;
    expect(await probe()).toBe(200);
    const closing = own.close();
    expect(await probe()).toBe(503);
    expect((await call(own, '/v2/models/cifar10/ready')).status).toBe(503);
    expect((await call(own, '/v2/health/live')).status).toBe(200);
    const last = await classify(own, await png(0));
    expect(last.status).toBe(200);
    expect(last.headers.get('connection')).toBe('close');
    await closing;
    await expect(probe()).rejects.toThrow();
  });
});

describe('the description of the API', () => {
  interface Operation {
    summary?: string;
    parameters?: { in: string; name: string; required?: boolean }[];
    responses: Record<string, { description: string }>;
    requestBody?: { content: Record<string, unknown> };
    security?: object[];
  }
  const describeApi = async (options: object) => {
    const own = await startServer(checkpoint(), options);
    return (await call(own, '/docs/json')).json as {
      openapi: string;
      info: { title: string; version: string };
      paths: Record<string, Record<string, Operation>>;
      components?: { securitySchemes?: Record<string, object> };
    };
  };

  test('is whole: every address with its parameters, what it takes and what it answers', async () => {
    const { openapi, info, paths } = await describeApi({});
    expect(openapi).toMatch(/^3\.0\./);
    expect(info).toMatchObject({ title: 'cifar10-torch', version: expect.any(String) });
    expect(Object.keys(paths).sort()).toEqual([
      '/metrics',
      '/v1/classify',
      '/v1/model',
      '/v2',
      '/v2/health/live',
      '/v2/health/ready',
      '/v2/models/{name}',
      '/v2/models/{name}/infer',
      '/v2/models/{name}/ready',
      '/v2/models/{name}/versions/{version}',
      '/v2/models/{name}/versions/{version}/infer',
      '/v2/models/{name}/versions/{version}/ready',
    ]);
    for (const [path, methods] of Object.entries(paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const [method, { summary, parameters = [], responses, requestBody }] of Object.entries(methods)) {
        expect(summary, path).toBeTruthy();
        const inPath = parameters
          .filter((each) => each.in === 'path' && each.required)
          .map(({ name }) => name);
        expect(inPath.sort()).toEqual(named.sort());
        expect(Object.keys(responses)).toContain('200');
        for (const { description } of Object.values(responses)) expect(description, path).toBeTruthy();
        expect(requestBody !== undefined, path).toBe(method === 'post');
      }
    }
    const body = paths['/v1/classify']?.post?.requestBody?.content ?? {};
    expect(Object.keys(body)).toEqual(expect.arrayContaining(['image/jpeg', 'multipart/form-data']));
  });

  test('tells of the token where there is one', async () => {
    const { paths, components } = await describeApi({ token: 'correct-horse-battery-staple' });
    expect(components?.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } });
    for (const [path, methods] of Object.entries(paths))
      for (const { security, responses } of Object.values(methods)) {
        const isOpen = /health|ready/.test(path);
        expect(security, path).toEqual(isOpen ? undefined : [{ token: [] }]);
        if (!isOpen) expect(Object.keys(responses), path).toContain('401');
      }
    const { paths: open, components: none } = await describeApi({});
    expect(JSON.stringify([open, none])).not.toMatch(/security|bearer/i);
  });

  test('can be read by people', async () => {
    expect((await call(server(), '/docs')).status).toBe(200);
    expect((await call(server(), '/docs/')).text).toContain('swagger');
  });
});

describe('the page', () => {
  const sendHead = async (...lines: string[]) => {
    const socket = await open(server());
    socket.write([...lines, 'host: x', 'connection: close', '', ''].join('\r\n'));
    return answerOn(socket);
  };

  test('comes with what its browser may do', async () => {
    const { status, headers, text } = await call(server(), '/');
    expect(status).toBe(200);
    expect(text).toMatch(/^<!doctype html>/i);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(headers.get('permissions-policy')).toBe('camera=(self)');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  test('each file that it names is there, and asked for again it comes only when it has changed', async () => {
    const { text } = await call(server(), '/');
    const files = [...text.matchAll(/(?:src|href)="([^":]+\.\w+)"/g)].map(([, file]) => file);
    expect(files.length).toBeGreaterThanOrEqual(2);
    for (const file of files) {
      const { status, headers } = await call(server(), `/${file}`);
      expect(status, file).toBe(200);
      // Not with fetch, which asks for a fresh one then.
      const again = await sendHead(`GET /${file} HTTP/1.1`, `if-none-match: ${headers.get('etag')}`);
      expect(again).toMatch(/^HTTP\/1.1 304 /);
    }
  });

  test.each([
    '/tsconfig.json',
    '/package.json',
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/package.json',
    '/..%5cpackage.json',
    '//etc/passwd',
    '/%2fetc%2fpasswd',
    '/main.js%00.html',
    '/docs/static/..%2f..%2f..%2fpackage.json',
    '/docs/static/../../../../package.json',
    '/.git/config',
    '/server.ts',
  ])('no other file: %s', async (path) => {
    const answer = await sendHead(`GET ${path} HTTP/1.1`);
    expect(answer).toMatch(/^HTTP\/1.1 (400|403|404) /);
    expect(answer).not.toMatch(/"dependencies"|root:|compilerOptions/);
  });
});
