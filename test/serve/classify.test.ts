// Images over HTTP, as their senders see it: every way to send them gives the answer of the library, and every mistake an error
// that says what to do.
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../lib/images/index.js';
import { Classifier, type ClassifierServer, type Prediction } from '../../lib/index.js';
import { expectAlike } from '../support.js';
import {
  call,
  classify,
  figures,
  form,
  jpeg,
  pixelsOf,
  png,
  sharedCheckpoint,
  sharedServer,
  startServer,
} from './support.js';

const checkpoint = sharedCheckpoint();
const theServer = sharedServer(checkpoint);

async function expectedOf(row: number, options = {}): Promise<Prediction | undefined> {
  await using classifier = await Classifier.load(checkpoint());
  return (await classifier.classify({ data: pixelsOf(row), width: 32, height: 32, channels: 3 }, options))[0];
}

function expectRefused({ status, json }: Awaited<ReturnType<typeof call>>, expected: number, code: string) {
  expect(json).toMatchObject({ error: { code, message: expect.any(String), nextStep: expect.any(String) } });
  expect(status).toBe(expected);
}

async function expectServes(server: ClassifierServer) {
  expect((await classify(server, await png(0))).status).toBe(200);
}

describe('one image as the body', () => {
  test.each([
    'image/png',
    'application/octet-stream',
    'application/x-www-form-urlencoded',
    'application/json',
    'text/plain',
    'a/b; c="',
    'multipart/mixed',
  ])('whatever it is called: %s', async (type) => {
    const server = theServer();
    const answer = await classify(server, await png(1), '', { headers: { 'content-type': type } });
    expect(answer.json).toMatchObject({
      model: { name: 'cifar10', version: expect.stringMatching(/^[0-9a-f]{12}$/) },
    });
    expect(answer.status).toBe(200);
    expect(answer.json.durationMs).toBeGreaterThan(0);
    expect(answer.json.predictions).toHaveLength(1);
    expect(answer.json.predictions[0].file).toBeNull();
    expect(answer.json.predictions[0].topK).toHaveLength(3);
    expectAlike(answer.json.predictions[0], await expectedOf(1));
  });

  test('under a name that is no content type', async () => {
    const server = theServer();
    const headers = { 'content-type': 'nonsense' };
    expectRefused(await classify(server, await png(1), '', { headers }), 415, 'REQUEST_INVALID');
  });

  test('without a content type', async () => {
    const server = theServer();
    const answer = await classify(server, await png(2)); // fetch names none for bytes
    expect(answer.status).toBe(200);
    expectAlike(answer.json.predictions[0], await expectedOf(2));
  });

  test('in chunks of unannounced length', async () => {
    const server = theServer();
    const bytes = await png(3);
    async function* slices() {
      for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
    }
    const init = { body: ReadableStream.from(slices()), duplex: 'half' } as RequestInit;
    expectAlike((await classify(server, undefined, '', init)).json.predictions[0], await expectedOf(3));
  });
});

describe('a form', () => {
  test('of several images: predictions in their order, names kept, other fields passed over', async () => {
    const server = theServer();
    const names = ['cat.png', 'кошка 猫.png', 'a;b=c.jpg'];
    const body = form();
    for (const [row, name] of names.entries()) {
      body.append(`field${row}`, 'a text beside');
      body.append('images', new Blob([await png(row)]), name);
    }
    const { status, json } = await classify(server, body);
    expect(status).toBe(200);
    expect(json.predictions.map(({ file }: { file: string }) => file)).toEqual(names);
    for (const row of names.keys()) expectAlike(json.predictions[row], await expectedOf(row));
  });

  test('of a file without a name', async () => {
    const server = theServer();
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const part = 'content-type: application/octet-stream\r\n\r\n';
    for (const disposition of ['form-data; name="image"', 'form-data; name="image"; filename=""']) {
      const head = Buffer.from(`--x\r\ncontent-disposition: ${disposition}\r\n${part}`);
      const body = Buffer.concat([head, await png(4), Buffer.from('\r\n--x--\r\n')]);
      const { json } = await classify(server, body, '', { headers });
      expect(json.predictions[0].file).toBeNull();
    }
  });

  test('without an image, with an empty one, with a broken one', async () => {
    const server = theServer();
    const text = form();
    text.append('image', 'a text');
    expectRefused(await classify(server, text), 400, 'REQUEST_INVALID');
    expectRefused(await classify(server, form()), 400, 'REQUEST_INVALID');
    expectRefused(await classify(server, form(['a.png', new Uint8Array()])), 400, 'IMAGE_INVALID');
    expectRefused(
      await classify(server, form(['a.png', await png(0)], ['b.png', (await png(0)).subarray(0, 80)])),
      400,
      'IMAGE_INVALID',
    );
    await expectServes(server);
  });

  test('of more images than are allowed, or of more fields', async () => {
    const server = await startServer(checkpoint(), { maxImages: 2 });
    const image = await png(0);
    expect((await classify(server, form(['1', image], ['2', image]))).status).toBe(200);
    expectRefused(
      await classify(server, form(['1', image], ['2', image], ['3', image])),
      413,
      'BODY_TOO_LARGE',
    );
    const fields = form(['1', image]);
    for (let field = 0; field < 100; field++) fields.append(`field${field}`, '');
    expectRefused(await classify(server, fields), 413, 'BODY_TOO_LARGE');
    await expectServes(server);
  });

  test('of an image that is too large', async () => {
    const server = theServer();
    const image = await png(0);
    const large = new Uint8Array(2 ** 23 + 1);
    expectRefused(
      await classify(server, form(['1', image], ['2', large], ['3', image])),
      413,
      'BODY_TOO_LARGE',
    );
    await expectServes(server);
  });

  test.each([
    ['no boundary', 'multipart/form-data', '--x\r\n\r\n--x--'],
    [
      'another boundary',
      'multipart/form-data; boundary=y',
      '--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--\r\n',
    ],
    [
      'no end',
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\nc',
    ],
    ['no end of the head', 'multipart/form-data; boundary=x', '--x\r\ncontent-disposition: form-data'],
    ['no bytes', 'multipart/form-data; boundary=x', ''],
    ['bytes of no form', 'multipart/form-data; boundary=x', '\0\0\0'],
    [
      'a field called __proto__',
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\nc\r\n--x--\r\n',
    ],
    [
      'a field that is no JSON',
      'multipart/form-data; boundary=x',
      '--x\r\ncontent-disposition: form-data; name="a"\r\ncontent-type: application/json\r\n\r\n{\r\n--x--\r\n',
    ],
  ])('with %s', async (_what, type, body) => {
    const server = theServer();
    const answer = await classify(server, body, '', { headers: { 'content-type': type } });
    expectRefused(answer, 400, 'REQUEST_INVALID');
    await expectServes(server);
  });
});

describe('the query', () => {
  test('topK and tta are those of the library', async () => {
    const server = theServer();
    const { json } = await classify(server, await png(5), '?topK=10&tta=2');
    expect(json.predictions[0].topK).toHaveLength(10);
    expectAlike(json.predictions[0], await expectedOf(5, { topK: 10, tta: 2 }));
  });

  test('pixels gives what the net saw, of each image', async () => {
    const server = theServer();
    const large = await jpeg(7);
    const { json } = await classify(server, form(['a', await png(6)], ['b', large]), '?pixels=true');
    const seen = json.predictions.map(({ pixels }: { pixels: string }) => Buffer.from(pixels, 'base64'));
    expect(seen[0].equals(pixelsOf(6))).toBe(true);
    expect(seen[1].equals(await decodeImage(large))).toBe(true);
    expectAlike(json.predictions[0], await expectedOf(6));
    expect((await classify(server, large, '?pixels=false')).json.predictions[0]).not.toHaveProperty('pixels');
  });

  test.each([
    'topK=0',
    'topK=11',
    'topK=x',
    'topK=1.5',
    'topK=1&topK=2',
    'tta=3',
    'tta=',
    'pixels=maybe',
    'url=http://127.0.0.1/',
    'path=/etc/passwd',
  ])('%s is refused', async (query) => {
    const server = theServer();
    expectRefused(await classify(server, await png(0), `?${query}`), 400, 'REQUEST_INVALID');
  });
});

describe('what is no image', () => {
  test.each([
    ['nothing', undefined, 'REQUEST_INVALID'],
    ['no bytes', new Uint8Array(), 'REQUEST_INVALID'],
    ['a text', 'file:///etc/passwd', 'IMAGE_INVALID'],
    ['an address', 'http://127.0.0.1/cat.png', 'IMAGE_INVALID'],
  ])('%s', async (_what, body, code) => {
    const server = theServer();
    expectRefused(await classify(server, body), 400, code);
    await expectServes(server);
  });

  test('no bytes in chunks', async () => {
    const server = theServer();
    const init = { body: ReadableStream.from([]), duplex: 'half' } as RequestInit;
    expectRefused(await classify(server, undefined, '', init), 400, 'REQUEST_INVALID');
  });

  test('an image that is cut off says what to do', async () => {
    const server = theServer();
    const answer = await classify(server, (await png(0)).subarray(0, 60));
    expectRefused(answer, 400, 'IMAGE_INVALID');
    expect(answer.json.error.message).not.toMatch(/\/tmp|node_modules/);
    await expectServes(server);
  });
});

describe('other addresses', () => {
  test('an unknown one is 404, whatever is sent', async () => {
    const server = theServer();
    expectRefused(await call(server, '/nowhere'), 404, 'NOT_FOUND');
    for (const type of ['image/png', 'application/json', 'text/plain'])
      expectRefused(
        await call(server, '/nowhere', {
          method: 'POST',
          body: await png(0),
          headers: { 'content-type': type },
        }),
        404,
        'NOT_FOUND',
      );
    expectRefused(await call(server, '/v1/classify'), 404, 'NOT_FOUND');
  });

  test.each(['/%zz', '/%', '/v2/models/%e0%a4%a'])('%s is no address', async (path) => {
    const server = theServer();
    expect((await call(server, path)).status).toBe(400);
    expectRefused(await call(server, '/%zz'), 400, 'REQUEST_INVALID');
  });

  test('GET /v1/model tells what is served', async () => {
    const server = theServer();
    await using classifier = await Classifier.load(checkpoint());
    const { threads: _, ...info } = classifier.info;
    expect((await call(server, '/v1/model')).json).toEqual({
      name: 'cifar10',
      ...info,
      classNames: classifier.classNames,
      limits: { imageBytes: 8 * 2 ** 20, images: 32 },
    });
  });
});

test('images and batches are counted, those of the warm-up are not', async () => {
  const server = await startServer(checkpoint());
  expect((await figures(server)).get('cifar10_torch_images_total')).toBe(0);
  await classify(server, form(['1', await png(0)], ['2', await png(1)]));
  const now = await figures(server);
  expect(now.get('cifar10_torch_images_total')).toBe(2);
  expect(now.get('cifar10_torch_batch_images_sum')).toBe(2);
});
