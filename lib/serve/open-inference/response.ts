// Owns writing the answer to an inference request of the Open Inference Protocol v2: each output in the JSON, or as bytes
// behind it. Must not know HTTP.
import { MODEL_NAME, OUTPUTS, type OutputName, type RequestedOutput } from './protocol.js';

/** What an answer is made of. */
export interface InferAnswer {
  /** That of the request, if it had one. */
  readonly id?: string | undefined;
  readonly modelVersion: string;
  /** One an image, indexed by class: finite fractions. */
  readonly probabilities: readonly Float32Array[];
  /** Indexed by class. */
  readonly classNames: readonly string[];
  readonly outputs: readonly RequestedOutput[];
}

/** The body of an answer; `jsonLength`, if it has bytes behind the JSON, is for the header `JSON_LENGTH_HEADER`. */
export interface EncodedAnswer {
  readonly body: string | Buffer;
  readonly jsonLength?: number;
}

/** Encodes an answer with the outputs that were asked for, in their order. */
export function encodeInferResponse(answer: InferAnswer): EncodedAnswer {
  const { id, modelVersion, outputs } = answer;
  const binary: Buffer[] = [];
  const tensors = outputs.map(({ name, isBinary }) => {
    const tensor = TENSORS[name](answer);
    const head = { name, datatype: OUTPUTS[name].datatype, shape: tensor.shape };
    if (!isBinary) return { ...head, data: tensor.toJson() };
    const bytes = Buffer.concat(tensor.toBinary());
    binary.push(bytes);
    return { ...head, parameters: { binary_data_size: bytes.length } };
  });
  const json = JSON.stringify({ model_name: MODEL_NAME, model_version: modelVersion, id, outputs: tensors });
  if (binary.length === 0) return { body: json };
  const jsonBytes = Buffer.from(json);
  return { body: Buffer.concat([jsonBytes, ...binary]), jsonLength: jsonBytes.length };
}

interface OutputTensor {
  readonly shape: readonly number[];
  /** The elements in row-major order. */
  readonly toJson: () => (number | string)[];
  /** Likewise, little-endian. */
  readonly toBinary: () => Buffer[];
}

const TENSORS: Record<OutputName, (answer: InferAnswer) => OutputTensor> = {
  probabilities({ probabilities, classNames }) {
    const elements = probabilities.flatMap((row) => [...row]);
    return {
      shape: [probabilities.length, classNames.length],
      toJson: () => elements.map(shortestFloat),
      toBinary: () => elements.map(float32),
    };
  },
  labels({ probabilities, classNames }) {
    const labels = probabilities.map((row) => classNames[likeliest(row)] as string);
    return { shape: [labels.length], toJson: () => labels, toBinary: () => labels.map(bytesElement) };
  },
  classes({ probabilities }) {
    const classes = probabilities.map(likeliest);
    return { shape: [classes.length], toJson: () => classes, toBinary: () => classes.map(int64) };
  },
};

/** Of equals the first, as `predict` ranks them. */
function likeliest(probabilities: Float32Array): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

/** The number of fewest digits that reads as the same float32: 0.1, not 0.10000000149011612. 9 always suffice. */
function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return Number(value.toPrecision(9));
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

function bytesElement(text: string): Buffer {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text));
  bytes.writeUInt32LE(bytes.length - 4);
  bytes.write(text, 4);
  return bytes;
}
