// Whatever bytes come as a request, it is read or refused as INVALID_ARGUMENT, soon and in a message of bounded length.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cifar10Error } from '../../../../lib/errors.js';
import { parseInferRequest } from '../../../../lib/serve/open-inference/index.js';
import { binaryInput, bytesElements, input, json, LIMITS, withBytes } from './requests.js';

const MAX_MS = 500;

/** Whether it is read. */
function isRead(body: Buffer, jsonLength?: number): boolean {
  const begin = performance.now();
  try {
    const { images } = parseInferRequest(body, jsonLength, LIMITS);
    expect(images.length).toBeGreaterThan(0);
    expect(images.length).toBeLessThanOrEqual(LIMITS.images);
    return true;
  } catch (error) {
    if (!(error instanceof Cifar10Error)) throw error;
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message.length).toBeLessThan(3000);
    return false;
  } finally {
    expect(performance.now() - begin).toBeLessThan(MAX_MS);
  }
}

const files = bytesElements(Buffer.from('first'), Buffer.from('second'));
const good: readonly [Buffer, number | undefined][] = [
  [json({ id: 'x', outputs: [{ name: 'labels' }], parameters: { binary_data_output: true } }), undefined],
  [
    json({
      inputs: [
        input({
          data: [
            [
              [
                [1, 2, 3],
                [4, 5, 6],
              ],
            ],
          ],
        }),
      ],
    }),
    undefined,
  ],
  [json({ inputs: [input({ datatype: 'BYTES', shape: [1], data: ['QUFB'] })] }), undefined],
  withBytes(binaryInput(6), Buffer.alloc(6)),
  withBytes(binaryInput(files.length, { datatype: 'BYTES', shape: [2] }), files),
];

test('good requests', () => {
  expect(good.map(([body, length]) => isRead(body, length))).toEqual(good.map(() => true));
});

test('any bytes', () => {
  const length = fc.option(fc.nat(300), { nil: undefined });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), length, (bytes, jsonLength) => {
      expect(isRead(Buffer.from(bytes), jsonLength)).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test('good requests with bytes changed, put in and taken out', () => {
  const edit = fc.record({ at: fc.nat(400), cut: fc.nat(3), put: fc.uint8Array({ maxLength: 3 }) });
  const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(
      fc.constantFrom(...good),
      edits,
      fc.integer({ min: -2, max: 2 }),
      ([body, length], changes, by) => {
        let bytes = body;
        for (const { at, cut, put } of changes) {
          const begin = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, begin), put, bytes.subarray(begin + cut)]);
        }
        isRead(bytes, length === undefined ? undefined : Math.max(0, length + by));
      },
    ),
    { numRuns: 5000 },
  );
});

test('good requests with values changed', () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(0, -1, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, 'images', 'BYTES', [], {}, [[]], null),
  );
  const changes = fc.record(
    {
      name: value,
      datatype: value,
      shape: fc.oneof(value, fc.array(fc.integer(), { maxLength: 5 })),
      data: value,
    },
    { requiredKeys: [] },
  );
  const parameters = fc.record(
    { binary_data_size: value, content_type: value, binary_data_output: value, binary_data: value },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(changes, parameters, value, fc.boolean(), (changed, given, other, isAround) => {
      const tensor = input({ ...changed, parameters: given });
      const request = isAround ? { parameters: given, outputs: other, id: other } : {};
      const body = json({ inputs: [tensor], ...request });
      isRead(body);
      isRead(Buffer.concat([body, Buffer.alloc(6)]), body.length);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ['brackets', '['.repeat(2 ** 20)],
  ['lists in lists', '['.repeat(49_999) + ']'.repeat(49_999)],
  ['names', `{${Array.from({ length: 49_000 }, (_, index) => `"k${index}":0`).join()}}`],
  [
    'numbers',
    `{"inputs":[{"name":"images","datatype":"UINT8","shape":[1,1,1,3],"data":[${'0,'.repeat(500_000)}0]}]}`,
  ],
  ['a name', `{"inputs":[{"name":"${'x'.repeat(1_000_000)}"}]}`],
  ['a number', `{"inputs":[{"shape":[${'9'.repeat(1_000_000)}]}]}`],
])('a megabyte of %s', (_, text) => {
  expect(isRead(Buffer.from(text))).toBe(false);
});
