// The safetensors format: what is written is read back, and whatever breaks the format is refused.
import { describe, expect, test } from 'vitest';
import { encodeSafetensors, type TensorData } from '../../../lib/checkpoint/index.js';
import { parseSafetensors } from '../../safetensors.js';

const tensors = new Map<string, TensorData>([
  ['bn.num_batches_tracked', { dtype: 'I64', shape: [], data: new Uint8Array(8).fill(1) }],
  ['conv.weight', { dtype: 'F32', shape: [2, 3], data: Uint8Array.from({ length: 24 }, (_, i) => i) }],
  ['a.bias', { dtype: 'BF16', shape: [3], data: new Uint8Array(6).fill(3) }],
  ['empty', { dtype: 'F32', shape: [0, 4], data: new Uint8Array(0) }],
]);

/** A file with this header, as text or as an object, and this many bytes of data. */
function file(header: unknown, dataLength = 0): Buffer {
  const json = Buffer.isBuffer(header)
    ? header
    : Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, Buffer.alloc(dataLength)]);
}

/** As many of them, each `x` another number. */
const listOf = (item: string, count: number) =>
  Array.from({ length: count }, (_, i) => item.replace('x', String(i))).join(',');

function entry(begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = 'F32') {
  return { dtype, shape, data_offsets: [begin, end] };
}

describe('encodeSafetensors', () => {
  test('writes what parseSafetensors reads back', () => {
    const bytes = Buffer.concat(encodeSafetensors(tensors, { note: 'ä "quoted"' }));
    const parsed = parseSafetensors(bytes);
    expect(parsed.metadata).toEqual({ note: 'ä "quoted"' });
    expect([...parsed.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, tensor] of parsed.tensors) {
      expect({ ...tensor, data: [...tensor.data] }).toEqual({
        ...tensors.get(name),
        data: [...(tensors.get(name)?.data ?? [])],
      });
      expect(tensor.data.byteOffset % (tensor.dtype === 'I64' ? 8 : 4)).toBe(0);
    }
  });

  test('pads the header to 8 bytes and gives the same bytes for any order of insertion', () => {
    const bytes = Buffer.concat(encodeSafetensors(tensors, { a: '1', b: '2' }));
    const reversed = encodeSafetensors(new Map([...tensors].reverse()), { b: '2', a: '1' });
    expect(Buffer.concat(reversed).equals(bytes)).toBe(true);
    expect(bytes.readBigUInt64LE() % 8n).toBe(0n);
    expect(bytes[8]).toBe('{'.charCodeAt(0));
  });

  test('refuses bytes that do not fit the shape, a reserved name and a header above the limit', () => {
    const tensor: TensorData = { dtype: 'F32', shape: [2], data: new Uint8Array(8) };
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    expect(() => encodeSafetensors(new Map([['x', { ...tensor, shape: [3] }]]), {})).toThrow(refused);
    expect(() => encodeSafetensors(new Map([['__metadata__', tensor]]), {})).toThrow(refused);
    expect(() => encodeSafetensors(new Map([['x', tensor]]), { long: 'x'.repeat(2 ** 20) })).toThrow(refused);
  });
});

describe('parseSafetensors', () => {
  test('accepts files of other writers: unpadded header, no metadata, any order of entries', () => {
    const parsed = parseSafetensors(file({ b: entry(4, 12), a: entry(0, 4) }, 12));
    expect([...parsed.tensors.keys()]).toEqual(['a', 'b']);
    expect(parsed.metadata).toEqual({});
    expect(parsed.tensors.get('b')?.data.length).toBe(8);
  });

  test('gives views, at whatever address', () => {
    const bytes = Buffer.concat(encodeSafetensors(tensors, {}));
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    const view = parseSafetensors(shifted).tensors.get('conv.weight')?.data;
    expect(view?.buffer).toBe(shifted.buffer);
    expect(view).toEqual(tensors.get('conv.weight')?.data);
  });

  test('keeps names that JavaScript objects treat specially', () => {
    const text = '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    expect([...parseSafetensors(file(text, 1)).tensors.keys()]).toEqual(['__proto__']);
  });

  const huge = file({});
  huge.writeBigUInt64LE(2n ** 64n - 1n);
  const twice = JSON.stringify(entry(0, 4));

  test.each<[name: string, bytes: Buffer, message: RegExp]>([
    ['an empty file', Buffer.alloc(0), /found 0 bytes/],
    ['a short file', Buffer.alloc(7), /found 7 bytes/],
    ['no header', file(''), /begins with "{"/],
    ['a header past the file', file({ a: entry(0, 4) }, 4).subarray(0, 20), /found 20 bytes/],
    ['a huge header length', huge, /at most 1048576 bytes, found a header of 18446744073709551615/],
    ['a header above 1 MiB', file(`{}${' '.repeat(2 ** 20)}`), /at most 1048576 bytes/],
    ['a header that is a list', file('[]'), /begins with "{"/],
    ['a header after spaces', file(' {}'), /begins with "{"/],
    ['invalid UTF-8', file(Buffer.from('{"\xff":1}', 'latin1')), /UTF-8/],
    ['invalid JSON', file('{"a":}'), /JSON/],
    ['more brackets than an entry has', file('{"a":[[[[[', 4), /at most 4 brackets/],
    ['more tensors than can be', file(`{${listOf('"x":1', 12_002)}}`), /at most 12001 names in one/],
    ['more names than can be', file(`{"a":[${listOf(`{${listOf('"x":1', 1000)}}`, 60)}]}`), /49000 names/],
    ['more values than can be', file(`{"a":[${listOf('1', 121_000)}]}`), /at most 121000 values/],
    ['an escape that is none', file('{"\\x":1}'), /JSON/],
    ['a name twice', file(`{"a":${twice},"a":${twice}}`, 4), /"a" twice/],
    ['a name twice, once escaped', file(`{"a":${twice},"\\u0061":${twice}}`, 4), /"a" twice/],
    [
      'a field twice',
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', 1),
      /"dtype" twice/,
    ],
    ['an unknown dtype', file({ a: entry(0, 4, [1], 'F31') }, 4), /found "F31"/],
    ['a dtype of Object.prototype', file({ a: entry(0, 4, [1], 'toString') }, 4), /found "toString"/],
    ['an entry that is null', file({ a: null }), /found nothing/],
    ['an unknown field', file({ a: { ...entry(0, 4), x: 1 } }, 4), /also "x"/],
    ['a negative length', file({ a: entry(0, 4, [-1]) }, 4), /found \[-1\]/],
    ['a fractional length', file({ a: entry(0, 6, [1.5]) }, 6), /found \[1.5\]/],
    ['one offset', file({ a: { ...entry(0, 4), data_offsets: [4] } }, 4), /two data_offsets/],
    ['a span of another size', file({ a: entry(0, 8, [1]) }, 8), /take 4 bytes, found offsets 0 to 8/],
    ['a reversed span', file({ a: entry(4, 0, [1]) }, 4), /found offsets 4 to 0/],
    ['an overflow', file({ a: entry(0, 0, [2 ** 40, 2 ** 40]) }), /at most 2\^53 - 1 bytes/],
    ['an overlap', file({ a: entry(0, 8), b: entry(4, 12) }, 12), /an overlap/],
    ['a hole', file({ a: entry(0, 4), b: entry(8, 12) }, 12), /a hole/],
    ['a hole at the start', file({ a: entry(4, 8) }, 8), /a hole/],
    ['missing data', file({ a: entry(0, 8) }, 7), /expected 8 bytes of data, found 7/],
    ['trailing bytes', file({ a: entry(0, 8) }, 9), /expected 8 bytes of data, found 9/],
    ['metadata with a number', file({ __metadata__: { a: 1 } }), /strings to strings/],
    ['metadata that is a list', file({ __metadata__: [] }), /strings to strings/],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'checkpoint "x"')).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_INVALID', message: expect.stringMatching(message) }),
    );
  });

  test('takes the most tensors that can be written, and none more is written', () => {
    const tensor: TensorData = { dtype: 'F32', shape: [1, 1, 1, 1], data: new Uint8Array(4) };
    const many = (count: number) =>
      new Map(Array.from({ length: count }, (_, i) => [i.toString(36), { ...tensor }]));
    const bytes = Buffer.concat(encodeSafetensors(many(12_000), { note: 'x' }));
    expect(parseSafetensors(bytes).tensors.size).toBe(12_000);
    expect(() => encodeSafetensors(many(12_001), {})).toThrow(/at most 12000 tensors, found 12001/);
  });

  test('never accepts a cut file, wherever it was cut', () => {
    const bytes = Buffer.concat(encodeSafetensors(tensors, { note: 'x' }));
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseSafetensors(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'CHECKPOINT_INVALID' }),
      );
  });

  test('takes a name of a megabyte of escapes without running out of stack', () => {
    const bytes = file(`{"${'\\"'.repeat(500_000)}":1}`);
    expect(() => parseSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
    const deep = file(`{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`);
    expect(() => parseSafetensors(deep)).toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
  });
});
