// Inference requests as the protocol and its clients write them are read; whatever breaks the protocol is refused in words
// that name it.
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../../../lib/images/index.js';
import { parseInferRequest, parseJsonLength } from '../../../../lib/serve/open-inference/index.js';
import { binaryInput, bytesElements, input, json, LIMITS, withBytes } from './requests.js';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
);
const encoded = (changes: object = {}) =>
  input({ datatype: 'BYTES', shape: [1], data: [PNG.toString('base64')], ...changes });
const pixels = (...data: number[]) => ({ data: Uint8Array.from(data), width: 2, height: 1, channels: 3 });

/** What is read, with plain bytes in place of buffers. */
function parse(body: Buffer, jsonLength?: number) {
  const request = parseInferRequest(body, jsonLength, LIMITS);
  const images = request.images.map((image) =>
    image instanceof Uint8Array
      ? Uint8Array.from(image)
      : { ...image, data: Uint8Array.from(image.data as Uint8Array) },
  );
  return { ...request, images };
}

describe('pixels', () => {
  test('in one list', () => {
    expect(parse(json({ id: '42' }))).toEqual({
      id: '42',
      images: [pixels(1, 2, 3, 4, 5, 6)],
      outputs: ['probabilities', 'labels', 'classes'].map((name) => ({ name, isBinary: false })),
    });
  });

  test('in nested lists, several images', () => {
    const data = [
      [
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ],
      [
        [
          [7, 8, 9],
          [0, 255, 1e1],
        ],
      ],
    ];
    const { images } = parse(json({ inputs: [input({ shape: [2, 1, 2, 3], data })] }));
    expect(images).toEqual([pixels(1, 2, 3, 4, 5, 6), pixels(7, 8, 9, 0, 255, 10)]);
  });

  test('behind the JSON, as views into the body', () => {
    const [body, length] = withBytes(
      binaryInput(12, { shape: [2, 1, 2, 3] }),
      Buffer.from([...'abcdefghijkl'].map((letter) => letter.charCodeAt(0))),
    );
    const { images } = parseInferRequest(body, length, LIMITS);
    body.fill(9, length + 6);
    expect(images).toMatchObject([
      { data: Buffer.from('abcdef'), width: 2, height: 1, channels: 3 },
      { data: Buffer.alloc(6, 9), width: 2, height: 1, channels: 3 },
    ]);
  });

  test('are what decodeImage takes', async () => {
    const shape = [1, 32, 32, 3];
    const bytes = Buffer.from(Array.from({ length: 3072 }, (_, index) => index % 251));
    const [image] = parseInferRequest(...withBytes(binaryInput(3072, { shape }), bytes), LIMITS).images;
    expect(Buffer.from(await decodeImage(image as Uint8Array)).equals(bytes)).toBe(true);
  });
});

describe('image files', () => {
  test.each([
    ['without a content type', {}],
    ['with that of MLServer and KServe', { parameters: { content_type: 'base64' } }],
    ['of the shape [N, 1]', { shape: [1, 1] }],
    ['nested', { shape: [1, 1], data: [[PNG.toString('base64')]] }],
  ])('in base64, %s', (_, changes) => {
    expect(parse(json({ inputs: [encoded(changes)] })).images).toEqual([Uint8Array.from(PNG)]);
  });

  test('behind the JSON, as views into the body', async () => {
    const elements = bytesElements(PNG, Buffer.from('no image'));
    const tensor = binaryInput(elements.length, { datatype: 'BYTES', shape: [2] });
    const [body, length] = withBytes(tensor, elements);
    const { images } = parseInferRequest(body, length, LIMITS);
    expect(images).toEqual([PNG, Buffer.from('no image')]);
    expect(images.map((image) => (image as Buffer).buffer === body.buffer)).toEqual([true, true]);
    expect((await decodeImage(images[0] as Uint8Array)).length).toBe(3072);
  });
});

describe('outputs', () => {
  const outputs = (changes: object) => parse(json(changes)).outputs;

  test('are those asked for, in that order, binary by the output or else by the request', () => {
    const asked = [
      { name: 'classes', parameters: { binary_data: true } },
      { name: 'labels', parameters: { binary_data: false } },
      { name: 'probabilities' },
    ];
    const [classes, labels] = [
      { name: 'classes', isBinary: true },
      { name: 'labels', isBinary: false },
    ];
    expect(outputs({ outputs: asked })).toEqual([
      classes,
      labels,
      { name: 'probabilities', isBinary: false },
    ]);
    expect(outputs({ outputs: asked, parameters: { binary_data_output: true } })).toEqual([
      classes,
      labels,
      { name: 'probabilities', isBinary: true },
    ]);
  });

  test.each([undefined, null, []])('are all for %o', (none) => {
    expect(outputs({ outputs: none, parameters: { binary_data_output: true } })).toEqual(
      ['probabilities', 'labels', 'classes'].map((name) => ({ name, isBinary: true })),
    );
  });
});

test('null counts as absent, and what the protocol leaves to others is passed over', () => {
  const tensor = input({ parameters: { binary_data_size: null, content_type: null, headers: null } });
  const parameters = { sequence_id: 7, priority: 1, timeout: 100, mine: 'x' };
  const request = { id: null, model_name: 'other', inputs: [tensor], parameters, raw: [1] };
  expect(parse(json(request))).toMatchObject({ id: undefined, images: [pixels(1, 2, 3, 4, 5, 6)] });
});

test('a length of the JSON with nothing behind it', () => {
  expect(parse(json(), json().length).images.length).toBe(1);
});

describe('refused:', () => {
  const refused = (message: RegExp) =>
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });

  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  test.each<[name: string, body: string | Buffer, message: RegExp]>([
    ['no JSON', 'abc', /at its JSON: expected JSON in UTF-8/],
    ['an empty body', '', /at its JSON/],
    ['invalid UTF-8', Buffer.from('{"id":"\xff"}', 'latin1'), /JSON in UTF-8/],
    ['a list', '[]', /at its JSON: expected an object with "inputs", found a list of 0/],
    ['null', 'null', /found null/],
    ['long JSON', `"${'x'.repeat(2 ** 20)}"`, /at its JSON: expected at most 1048576 bytes, found 1048578/],
    ['many lists', '[]'.repeat(100_001), /at most 100000 brackets and quotes.*found 100001/],
    ['an id that is a number', json({ id: 42 }), /at id: expected a text, found 42/],
    ['no inputs', json({ inputs: undefined }), /at inputs: expected a list of one input.*found nothing/],
    ['an empty list of inputs', json({ inputs: [] }), /found a list of 0/],
    ['two inputs', json({ inputs: [input(), input()] }), /"images", found a list of 2/],
    ['another input', json({ inputs: [input({ name: 'x' })] }), /inputs\[0\]\.name \(tensor "x"\)/],
    [
      'another datatype',
      json({ inputs: [input({ datatype: 'FP32' })] }),
      /inputs\[0\]\.datatype \(tensor "images"\): expected "UINT8" or "BYTES", found "FP32"/,
    ],
    ['parameters that are a text', json({ parameters: 'x' }), /at parameters: expected an object, found "x"/],
    ['an unknown output', json({ outputs: [{ name: 'x' }] }), /outputs\[0\]\.name.*one of "prob.*found "x"/],
    ['an output of Object.prototype', json({ outputs: [{ name: 'toString' }] }), /found "toString"/],
    [
      'an output twice',
      json({ outputs: [{ name: 'labels' }, { name: 'labels' }] }),
      /at outputs: expected each output once, found a list of 2/,
    ],
    ['four outputs', json({ outputs: [{}, {}, {}, {}] }), /at most 3 outputs, found a list of 4/],
    [
      'binary_data that is a text',
      json({ outputs: [{ name: 'labels', parameters: { binary_data: 'yes' } }] }),
      /outputs\[0\]\.parameters\.binary_data \(tensor "labels"\): expected true or false, found "yes"/,
    ],
    [
      'a classification of Triton',
      json({ outputs: [{ name: 'probabilities', parameters: { classification: 3 } }] }),
      /no extension for classification, found 3/,
    ],
    [
      'shared memory',
      json({ inputs: [input({ parameters: { shared_memory_region: 'x' } })] }),
      /no extension for shared memory, found "x"/,
    ],
  ])('%s', (_, body, message) => {
    expect(() => parse(Buffer.from(body as Buffer))).toThrow(refused(message));
  });

  test.each<[name: string, tensor: object, message: RegExp]>([
    ['a shape that is a text', input({ shape: '1' }), /inputs\[0\]\.shape.*at most 4 lengths, found "1"/],
    ['five lengths', input({ shape: [1, 1, 1, 2, 3] }), /at most 4 lengths, found a list of 5/],
    ['an open length', input({ shape: [-1, 1, 2, 3] }), /shape\[0\].*whole number from 1, found -1/],
    ['no images', input({ shape: [0, 1, 2, 3] }), /whole number from 1, found 0/],
    ['a fraction', input({ shape: [1.5, 1, 2, 3] }), /whole number from 1, found 1.5/],
    ['a length beyond 2^53', input({ shape: [1, 2 ** 64, 2, 3] }), /shape\[1\].*found 18446744073709552000/],
    ['an empty shape', input({ shape: [] }), /"images": expected a shape of 1 to 4 images, found \[\]/],
    ['more images than allowed', input({ shape: [5, 1, 2, 3] }), /1 to 4 images, found \[5,1,2,3\]/],
    ['grey', input({ shape: [1, 2, 3, 1] }), /\[N, height, width, 3\].*found \[1,2,3,1\]/],
    ['a missing axis', input({ shape: [1, 2, 3] }), /found \[1,2,3\]/],
    ['more pixels than allowed', input({ shape: [1, 4097, 4096, 3] }), /at most 16777216 pixels an image/],
    ['an overflow', input({ shape: [1, 2 ** 53 - 1, 2 ** 53 - 1, 3] }), /at most 16777216 pixels an image/],
    ['a shape that claims 201 MB', input({ shape: [4, 4096, 4096, 3] }), /found a list of 6 in place of/],
    ['one that claims as much, nested', input({ shape: [1, 4096, 4096, 3], data: [[]] }), /a list of 4096/],
    ['an element too few', input({ data: [1, 2, 3, 4, 5] }), /a list of 5 in place of a list of 6/],
    [
      'ragged lists',
      input({
        data: [
          [
            [
              [1, 2, 3, 4],
              [5, 6],
            ],
          ],
        ],
      }),
      /list of 4 in place of a list of 3/,
    ],
    ['half nested lists', input({ data: [[[[1, 2, 3], 4]]] }), /found 4 in place of a list of 3/],
    [
      'lists too deep',
      input({
        data: [
          [
            [
              [1, 2, 3],
              [4, 5, [6]],
            ],
          ],
        ],
      }),
      /found a list of 1 as element 5/,
    ],
    ['256', input({ data: [1, 2, 3, 4, 5, 256] }), /from 0 to 255, found 256 as element 5/],
    ['2^32', input({ data: [1, 2, 3, 4, 5, 2 ** 32] }), /found 4294967296 as element 5/],
    ['a negative value', input({ data: [-1, 2, 3, 4, 5, 6] }), /found -1 as element 0/],
    ['a fraction of pixels', input({ data: [1, 0.5, 3, 4, 5, 6] }), /found 0.5 as element 1/],
    ['a text for a number', input({ data: [1, '2', 3, 4, 5, 6] }), /found "2" as element 1/],
    ['null for a number', input({ data: [1, 2, 3, 4, 5, null] }), /found null as element 5/],
    [
      'data that is an object',
      input({ data: { 0: 1 } }),
      /inputs\[0\]\.data.*expected a list, found an object/,
    ],
    ['no data', input({ data: undefined }), /either "data" or .*"binary_data_size", found neither/],
    ['data twice', input({ parameters: { binary_data_size: 6 } }), /found both/],
    ['data twice, though empty', binaryInput(0, { data: [] }), /found both/],
    ['no header', binaryInput(6), /the header inference-header-content-length.*found no such header/],
    ['files of the shape [1, 2]', encoded({ shape: [1, 2] }), /\[N\] or \[N, 1\] for BYTES, found \[1,2\]/],
    ['files of the shape [1, 1, 1]', encoded({ shape: [1, 1, 1] }), /found \[1,1,1\]/],
    ['a file that is no text', encoded({ data: [7] }), /texts in base64, found 7 as element 0/],
    ['a file that is text', encoded({ data: ['a.png'] }), /base64 with padding .*found "a.png" as element 0/],
    ['base64 without padding', encoded({ data: ['QQ'] }), /with padding/],
    ['base64 in lines', encoded({ data: ['QUFB\nQUFB'] }), /without line breaks/],
    ['another content type', encoded({ parameters: { content_type: 'str' } }), /type "base64", found "str"/],
    ['an empty file', encoded({ data: [''] }), /images of 1 to 1000 bytes, found 0 bytes as element 0/],
    ['a large file', encoded({ data: [base64(Buffer.alloc(1001))] }), /1000 bytes, found 1001 bytes/],
    ['a file too few', encoded({ shape: [2] }), /a list of 1 in place of a list of 2/],
  ])('%s', (_, tensor, message) => {
    expect(() => parse(json({ inputs: [tensor] }))).toThrow(refused(message));
  });

  const files = (size: unknown, shape = [2]) => binaryInput(size, { datatype: 'BYTES', shape });
  const two = bytesElements(PNG, PNG);
  const longer = Buffer.from(two);
  longer.writeUInt32LE(0xffffffff, PNG.length + 4);
  const large = bytesElements(Buffer.alloc(1), Buffer.alloc(1001));
  test.each<[name: string, tensor: object, bytes: Buffer, message: RegExp]>([
    [
      'no bytes',
      binaryInput(6),
      Buffer.alloc(0),
      /"images": expected 6 bytes behind the JSON, found 0 bytes/,
    ],
    ['bytes cut off', binaryInput(6), Buffer.alloc(5), /expected 6 bytes behind the JSON, found 5 bytes/],
    ['bytes over', binaryInput(6), Buffer.alloc(7), /found 7 bytes/],
    ['bytes for no tensor', input(), Buffer.alloc(1), /expected 0 bytes behind the JSON, found 1 bytes/],
    ['a size that does not fit', binaryInput(5), Buffer.alloc(5), /6 bytes for the shape \[1,1,2,3\]/],
    ['a negative size', binaryInput(-6), Buffer.alloc(6), /expected a number of bytes, found -6/],
    ['a size that is a text', binaryInput('6'), Buffer.alloc(6), /expected a number of bytes, found "6"/],
    ['a size beyond 2^53', binaryInput(2 ** 53), Buffer.alloc(6), /expected a number of bytes, found 9007/],
    ['a last file cut off', files(two.length - 1), two.subarray(0, -1), /more bytes for element 1, found/],
    [
      'a length cut off',
      files(PNG.length + 7),
      two.subarray(0, PNG.length + 7),
      /4 more bytes for element 1/,
    ],
    ['a length that overflows', files(two.length), longer, /4294967295 bytes as element 1/],
    ['a large file', files(large.length), large, /1 to 1000 bytes, found 1001 bytes as element 1/],
    ['files over', files(two.length, [1]), two, /bytes for the shape \[1\], found/],
    ['an empty file', files(8), Buffer.alloc(8), /found 0 bytes as element 0/],
  ])('behind the JSON, %s', (_, tensor, bytes, message) => {
    expect(() => parse(...withBytes(tensor, bytes))).toThrow(refused(message));
  });

  test('a length of the JSON beyond the body', () => {
    expect(() => parse(json(), json().length + 1)).toThrow(refused(/header inference-header-content-length/));
  });

  test.each(['', '-1', '1.5', '0x10', '1e3', ' 7', '7, 7', '9'.repeat(16)])('the header "%s"', (header) => {
    expect(() => parseJsonLength(header)).toThrow(refused(/expected a number of bytes, found/));
  });
});

test('parseJsonLength reads a number of bytes, or that there is none', () => {
  expect([parseJsonLength('0'), parseJsonLength('517'), parseJsonLength(undefined)]).toEqual([
    0,
    517,
    undefined,
  ]);
});
