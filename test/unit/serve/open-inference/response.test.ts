// Answers hold what was asked for, in the form that was asked for, as the protocol and its binary extension lay them out.
import { describe, expect, test } from 'vitest';
import { CLASS_NAMES } from '../../../../lib/dataset/facts.js';
import {
  encodeInferResponse,
  modelMetadata,
  type RequestedOutput,
  serverMetadata,
} from '../../../../lib/serve/open-inference/index.js';
import { VERSION } from '../../../../lib/version.js';

const likely = (index: number) =>
  Float32Array.from(CLASS_NAMES, (_, label) => (label === index ? 0.7 : 0.3 / 9));
const answer = (...outputs: RequestedOutput[]) => ({
  id: 'a "1"',
  modelVersion: '9f86d081884c',
  probabilities: [likely(3), likely(9)],
  classNames: CLASS_NAMES,
  outputs,
});
const asJson = (name: RequestedOutput['name']) => ({ name, isBinary: false });
const asBytes = (name: RequestedOutput['name']) => ({ name, isBinary: true });

describe('in JSON', () => {
  test('all outputs', () => {
    const { body, jsonLength } = encodeInferResponse(
      answer(asJson('probabilities'), asJson('labels'), asJson('classes')),
    );
    expect(jsonLength).toBe(undefined);
    const { outputs, ...head } = JSON.parse(body as string);
    expect(head).toEqual({ model_name: 'cifar10', model_version: '9f86d081884c', id: 'a "1"' });
    expect(outputs[0]).toMatchObject({ name: 'probabilities', datatype: 'FP32', shape: [2, 10] });
    expect(Float32Array.from(outputs[0].data)).toEqual(Float32Array.from([...likely(3), ...likely(9)]));
    expect(outputs.slice(1)).toEqual([
      { name: 'labels', datatype: 'BYTES', shape: [2], data: ['cat', 'truck'] },
      { name: 'classes', datatype: 'INT64', shape: [2], data: [3, 9] },
    ]);
  });

  test('only those asked for, in that order, and no id where the request had none', () => {
    const { body } = encodeInferResponse({
      ...answer(asJson('classes'), asJson('labels')),
      id: undefined,
    });
    const parsed = JSON.parse(body as string);
    expect(parsed.outputs.map(({ name }: RequestedOutput) => name)).toEqual(['classes', 'labels']);
    expect(Object.keys(parsed)).not.toContain('id');
  });

  test('of equal probabilities the first class', () => {
    const probabilities = [new Float32Array(10).fill(0.1)];
    const { body } = encodeInferResponse({ ...answer(asJson('classes')), probabilities });
    expect(JSON.parse(body as string).outputs[0].data).toEqual([0]);
  });

  test('floats in the fewest digits that read as the same float32', () => {
    const values = [0.1, 0.7, 1, 0, 1 / 3, 1e-10, 2 ** -149, 1 - 2 ** -24];
    const probabilities = [Float32Array.from(values)];
    const { body } = encodeInferResponse({ ...answer(asJson('probabilities')), probabilities });
    expect(body).toContain('"data":[0.1,0.7,1,0,0.33333334,1e-10,1e-45,0.99999994]');
    const bits = new Uint32Array(1);
    const float = new Float32Array(bits.buffer);
    for (let trial = 0; trial < 5000; trial++) {
      bits[0] = Math.imul(trial, 2654435761) >>> 2; // below 2: positive and finite
      const one = encodeInferResponse({ ...answer(asJson('probabilities')), probabilities: [float] });
      const [read] = JSON.parse(one.body as string).outputs[0].data;
      expect(Math.fround(read)).toBe(float[0]);
      expect(
        String(read)
          .replace(/e.*|\D/g, '')
          .replace(/^0+/, '').length,
      ).toBeLessThanOrEqual(9);
    }
  });
});

describe('behind the JSON', () => {
  test('in the order of the outputs, little-endian, those in JSON left out', () => {
    const { body, jsonLength } = encodeInferResponse(
      answer(asBytes('labels'), asJson('classes'), asBytes('probabilities')),
    );
    const bytes = body as Buffer;
    const { outputs } = JSON.parse(bytes.toString('utf8', 0, jsonLength));
    expect(outputs).toEqual([
      { name: 'labels', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 16 } },
      { name: 'classes', datatype: 'INT64', shape: [2], data: [3, 9] },
      { name: 'probabilities', datatype: 'FP32', shape: [2, 10], parameters: { binary_data_size: 80 } },
    ]);
    const tail = bytes.subarray(jsonLength);
    expect(tail.subarray(0, 16).toString('latin1')).toBe('\x03\0\0\0cat\x05\0\0\0truck');
    const floats = Array.from({ length: 20 }, (_, index) => tail.readFloatLE(16 + 4 * index));
    expect(floats).toEqual([...likely(3), ...likely(9)]);
    expect(tail.length).toBe(96);
  });

  test('classes in 8 bytes, and lengths in bytes where names are not ASCII', () => {
    const { body, jsonLength } = encodeInferResponse({
      ...answer(asBytes('classes'), asBytes('labels')),
      id: 'ü',
      probabilities: [likely(1)],
      classNames: ['a', 'Käfer', ...CLASS_NAMES.slice(2)],
    });
    const bytes = body as Buffer;
    expect(JSON.parse(bytes.toString('utf8', 0, jsonLength)).id).toBe('ü');
    expect(bytes.subarray(jsonLength).toString('utf8')).toBe('\x01\0\0\0\0\0\0\0\x06\0\0\0Käfer');
  });
});

test('the metadata', () => {
  expect(serverMetadata()).toEqual({
    name: 'cifar10-torch',
    version: VERSION,
    extensions: ['binary_tensor_data'],
  });
  expect(modelMetadata('9f86d081884c')).toEqual({
    name: 'cifar10',
    versions: ['9f86d081884c'],
    platform: 'cifar10-torch_safetensors',
    inputs: [{ name: 'images', datatype: 'UINT8', shape: [-1, 32, 32, 3] }],
    outputs: [
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 10] },
      { name: 'labels', datatype: 'BYTES', shape: [-1] },
      { name: 'classes', datatype: 'INT64', shape: [-1] },
    ],
  });
});
