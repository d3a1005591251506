// The Open Inference Protocol over HTTP, as clients of Triton and KServe speak it; answers are held against the protocol's own
// description, whose addresses are the ones that are asked for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import {
  call,
  classify,
  form,
  pixelsOf,
  png,
  sharedCheckpoint,
  sharedServer,
  startServer,
} from './support.js';

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: { $ref: string } }> }>;
}

const description = parse(
  readFileSync(join(PACKAGE_ROOT, 'test/serve/open_inference_rest.yaml'), 'utf8'),
) as { paths: Record<string, Record<'get' | 'post', Operation>> };
const ajv = new Ajv({ strict: false }).addSchema(description, 'protocol');

const checkpoint = sharedCheckpoint();
const server = sharedServer(checkpoint);

const INFER = '/v2/models/cifar10/infer';
const pixels = (row: number) => [...pixelsOf(row)];
const tensor = (rows: readonly number[], more: object = {}) => ({
  name: 'images',
  datatype: 'UINT8',
  shape: [rows.length, 32, 32, 3],
  data: rows.flatMap(pixels),
  ...more,
});
const request = (...rows: number[]) => JSON.stringify({ id: 'mine', inputs: [tensor(rows)] });
const infer = (body: RequestInit['body'], headers: Record<string, string> = {}, path = INFER) =>
  call(server(), path, { method: 'POST', ...(body !== undefined && { body }), headers });

async function version(): Promise<string> {
  return (await call(server(), '/v2/models/cifar10')).json.versions[0];
}

/** What `/v1/classify` says of the same pictures. */
async function expectedLabels(...rows: number[]): Promise<string[]> {
  const files = await Promise.all(rows.map(async (row) => [`${row}`, await png(row)] as const));
  const { json } = await classify(server(), form(...files));
  return json.predictions.map(({ label }: { label: string }) => label);
}

/** The output of that name in an answer. */
const output = (json: { outputs: { name: string; data: unknown[] }[] }, name: string) =>
  json.outputs.find((each) => each.name === name)?.data;

test.each(Object.entries(description.paths))(
  '%s is as the protocol describes it',
  async (template, methods) => {
    const path = template
      .replace(/\$\{MODEL_NAME\}/, 'cifar10')
      .replace(/\$\{MODEL_VERSION\}/, await version());
    const [[method, operation] = expect.fail()] = Object.entries(methods).filter(([key]) =>
      /get|post/.test(key),
    );
    const { status, headers, json } = await (method === 'post'
      ? infer(request(1), {}, path)
      : call(server(), path));
    expect(status).toBe(200);
    const ref = operation.responses[200]?.content?.['application/json']?.schema.$ref;
    if (ref === undefined) return;
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    const validate = ajv.getSchema(`protocol${ref}`);
    expect(validate?.(json), JSON.stringify(validate?.errors)).toBe(true);
  },
);

describe('metadata', () => {
  test('of the server, with and without the slash', async () => {
    for (const path of ['/v2', '/v2/'])
      expect((await call(server(), path)).json).toMatchObject({
        name: 'cifar10-torch',
        extensions: ['binary_tensor_data'],
      });
  });

  test('of the model and of its version', async () => {
    for (const path of ['/v2/models/cifar10', `/v2/models/cifar10/versions/${await version()}`])
      expect((await call(server(), path)).json).toMatchObject({
        name: 'cifar10',
        versions: [await version()],
      });
  });

  test('that it is ready', async () => {
    expect((await call(server(), '/v2/health/live')).json).toEqual({ live: true });
    expect((await call(server(), '/v2/health/ready')).json).toMatchObject({ ready: true });
    for (const path of ['/v2/models/cifar10/ready', `/v2/models/cifar10/versions/${await version()}/ready`])
      expect((await call(server(), path)).json).toEqual({ name: 'cifar10', ready: true });
  });
});

describe('inference', () => {
  test('JSON in, JSON out', async () => {
    const { status, json } = await infer(request(1, 2, 3));
    expect(status).toBe(200);
    expect(json).toMatchObject({ model_name: 'cifar10', model_version: await version(), id: 'mine' });
    expect(output(json, 'labels')).toEqual(await expectedLabels(1, 2, 3));
    expect(output(json, 'probabilities')).toHaveLength(30);
  });

  test('binary in, binary out', async () => {
    const bytes = Buffer.concat([pixelsOf(1), pixelsOf(2)]);
    const { data: _, ...input } = tensor([1, 2], { parameters: { binary_data_size: bytes.length } });
    const head = JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } });
    const answer = await fetch(server().url + INFER, {
      method: 'POST',
      body: Buffer.concat([Buffer.from(head), bytes]),
      headers: { 'inference-header-content-length': `${head.length}` },
    });
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    const body = Buffer.from(await answer.arrayBuffer());
    const jsonBytes = Number(answer.headers.get('inference-header-content-length'));
    const { outputs } = JSON.parse(body.subarray(0, jsonBytes).toString());
    const sizes = outputs.map(
      (each: { parameters: { binary_data_size: number } }) => each.parameters.binary_data_size,
    );
    expect(body).toHaveLength(jsonBytes + sizes.reduce((sum: number, size: number) => sum + size, 0));
    const first = Array.from({ length: 10 }, (_, label) => body.readFloatLE(jsonBytes + 4 * label));
    expect(first.reduce((sum, each) => sum + each)).toBeCloseTo(1, 5);
    expect(body.subarray(jsonBytes).includes((await expectedLabels(1))[0] as string)).toBe(true);
  });

  test('files of images in base64', async () => {
    const data = [(await png(4)).toString('base64')];
    const { json } = await infer(
      JSON.stringify({ inputs: [{ name: 'images', datatype: 'BYTES', shape: [1], data }] }),
    );
    expect(output(json, 'labels')).toEqual(await expectedLabels(4));
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['GZIP', gzipSync],
    ['identity', (text: string) => Buffer.from(text)],
  ])('a body in %s', async (encoding, encode) => {
    const { status, json } = await infer(encode(request(5)), { 'content-encoding': encoding });
    expect(status).toBe(200);
    expect(output(json, 'labels')).toEqual(await expectedLabels(5));
  });

  test('whatever the content type, and none', async () => {
    for (const type of [
      'application/json',
      'application/octet-stream',
      'text/plain',
      'multipart/form-data; boundary=x',
    ])
      expect((await infer(request(1), { 'content-type': type })).status).toBe(200);
    expect((await infer(Buffer.from(request(1)))).status).toBe(200);
  });

  test('of a version', async () => {
    const path = `/v2/models/cifar10/versions/${await version()}/infer`;
    expect((await infer(request(1), {}, path)).status).toBe(200);
  });
});

describe('errors are a text, and JSON without a charset', () => {
  const expectError = ({ status, headers, json }: Awaited<ReturnType<typeof call>>, expected: number) => {
    expect(json).toEqual({ error: expect.any(String) });
    expect(headers.get('content-type')).toBe('application/json');
    expect(status).toBe(expected);
  };

  test.each([
    '/v2/models/other',
    '/v2/models/other/ready',
    '/v2/models/cifar10/versions/1',
    '/v2/models/cifar10/versions/1/ready',
    '/v2/nowhere',
    '/v2/models',
    '/v2?url=http://127.0.0.1/../nowhere/',
  ])('GET %s', async (path) => {
    if (path.startsWith('/v2?')) expect((await call(server(), path)).status).toBe(200);
    else expectError(await call(server(), path), 404);
  });

  test.each(['/v2/models/other/infer', '/v2/models/cifar10/versions/1/infer', '/v2/repository/index'])(
    'POST %s',
    async (path) => expectError(await infer(request(1), {}, path), 404),
  );

  test.each<[string, RequestInit['body'], Record<string, string>?]>([
    ['no body', undefined],
    ['no bytes', ''],
    ['no JSON', '{'],
    ['no inputs', '{}'],
    ['too many images', JSON.stringify({ inputs: [tensor(Array(33).fill(0))] })],
    [
      'a broken image',
      JSON.stringify({ inputs: [{ name: 'images', datatype: 'BYTES', shape: [1], data: ['AAAA'] }] }),
    ],
    ['an encoding that nobody knows', '{}', { 'content-encoding': 'br' }],
    ['what is not compressed', '{}', { 'content-encoding': 'gzip' }],
    ['what ends too early', gzipSync(request(1)).subarray(0, 200), { 'content-encoding': 'gzip' }],
    ['a length that is none', '{}', { 'inference-header-content-length': 'x' }],
    ['a length beyond the body', '{}', { 'inference-header-content-length': '3' }],
    [
      'a path in place of an image',
      JSON.stringify({ inputs: [{ name: 'images', datatype: 'BYTES', shape: [1], data: ['/etc/passwd'] }] }),
    ],
    [
      'a file of shared memory',
      JSON.stringify({ inputs: [tensor([1], { parameters: { shared_memory_region: 'x' } })] }),
    ],
  ])('%s', async (_what, body, headers) => {
    expectError(await infer(body, headers), 400);
    expect((await infer(request(1))).status).toBe(200);
  });

  test('too much', async () => {
    expectError(await infer(Buffer.alloc(65 * 2 ** 20)), 413);
    const bomb = gzipSync(Buffer.alloc(65 * 2 ** 20));
    expectError(await infer(bomb, { 'content-encoding': 'gzip' }), 413);
    expect((await infer(request(1))).status).toBe(200);
  });

  test('no token', async () => {
    const other = await startServer(checkpoint(), { token: 'a-token-of-twenty-ch' });
    const answer = await call(other, INFER, { method: 'POST', body: request(1) });
    expectError(answer, 401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });
});
