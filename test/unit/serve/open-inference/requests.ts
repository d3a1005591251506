// Owns making requests of the Open Inference Protocol v2 as clients send them. Must not use what it helps to test.
import type { InferLimits } from '../../../../lib/serve/open-inference/index.js';

export const LIMITS: InferLimits = { images: 4, imageBytes: 1000, jsonBytes: 2 ** 20 };

/** The whole tensor of one image of 1x2 pixels, but for what is given. */
export function input(changes: object = {}): object {
  return { name: 'images', datatype: 'UINT8', shape: [1, 1, 2, 3], data: [1, 2, 3, 4, 5, 6], ...changes };
}

/** Likewise without data in the JSON. */
export function binaryInput(sizeBytes: unknown, changes: object = {}): object {
  return input({ data: undefined, parameters: { binary_data_size: sizeBytes }, ...changes });
}

/** A body that is JSON throughout. */
export function json(changes: object = {}): Buffer {
  return Buffer.from(JSON.stringify({ inputs: [input()], ...changes }));
}

/** A body of JSON and these bytes, and the length of the JSON. */
export function withBytes(tensor: object, bytes: Uint8Array, more: object = {}): [Buffer, number] {
  const head = json({ inputs: [tensor], ...more });
  return [Buffer.concat([head, bytes]), head.length];
}

/** The elements of a BYTES tensor as the binary extension has them. */
export function bytesElements(...elements: Uint8Array[]): Buffer {
  return Buffer.concat(
    elements.flatMap((element) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(element.length);
      return [length, element];
    }),
  );
}
