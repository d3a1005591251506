// Owns reading the values that Python PyTorch gave (scripts/make-golden.py) and the measure of agreement with them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { TensorData } from '../../lib/checkpoint/index.js';
import { type Config, configToSnake, loadConfig, parseConfig } from '../../lib/config/index.js';
import type { NamedTensor } from '../../lib/native-addon.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { parseSafetensors } from '../safetensors.js';
import { interleave } from '../support.js';

/** The bound on a relative error, unless a case says why it has another one. */
export const BOUND = 1e-5;

export type Tensors = ReadonlyMap<string, TensorData>;

/** Keys of YAML. */
type Options = Readonly<Record<string, unknown>>;

export interface GoldenModel {
  /** The group `model`. */
  readonly model: Options;
  /** What each case sets in the group `training`. */
  readonly training: Readonly<Record<string, Options>>;
  readonly lrFactors: readonly number[];
  /** `initial.<key>`, `gradient.<key>`, `<case>.state.<key>`… */
  readonly tensors: Tensors;
}

interface Facts extends Pick<GoldenModel, 'model' | 'training'> {
  readonly lr_factors: readonly number[];
}

const BASE = configToSnake(loadConfig({ overrides: ['training=standard'] }));
const FOLDER = join(PACKAGE_ROOT, 'test/golden/values');

function readValues(name: string) {
  const { tensors, metadata } = parseSafetensors(readFileSync(join(FOLDER, `${name}.safetensors`)), name);
  return { tensors, facts: JSON.parse(metadata.facts ?? '{}') as Record<string, unknown> };
}

export function readModel(name: string): GoldenModel {
  const { tensors, facts } = readValues(name);
  const { model, training, lr_factors: lrFactors } = facts as unknown as Facts;
  return { model, training, lrFactors, tensors };
}

export function readInputs() {
  const { tensors } = readValues('inputs');
  return {
    /** [B,3,32,32] */
    images: floatsOf(tensors.get('images')),
    /** uint8 [B,3,32,32], the same before normalization */
    pixels: tensors.get('pixels')?.data as Uint8Array,
    labels: Array.from(numbersOf(tensors.get('labels'))),
    /** [B,10] */
    targets: floatsOf(tensors.get('targets')),
  };
}

export function readSchedules() {
  const text = readFileSync(join(FOLDER, 'schedules.json'), 'utf8');
  return JSON.parse(text) as {
    schedule: Options;
    steps: number;
    steps_per_epoch: number;
    factors: number[];
  }[];
}

/** The tensors whose names begin with `prefix.`, without it. */
export function under(prefix: string, tensors: Tensors): Map<string, TensorData> {
  const start = `${prefix}.`;
  return new Map(
    [...tensors].flatMap(([name, tensor]) =>
      name.startsWith(start) ? [[name.slice(start.length), tensor] as const] : [],
    ),
  );
}

/** A whole configuration with this model and these training values, in float32 on the CPU. */
export function configOf(model: Options, training: Options = {}): Config {
  const common = { precision: 'fp32', eval_precision: 'fp32', device: 'cpu' };
  return parseConfig({ ...BASE, model, training: { ...(BASE.training as Options), ...common, ...training } });
}

/** uint8 [B,3,32,32] -> [B,32,32,3]. */
export function interleavedPixels(pixels: Uint8Array): Uint8Array {
  const bytes = 3 * 32 * 32;
  const images = Array.from({ length: pixels.length / bytes }, (_, i) =>
    pixels.subarray(i * bytes, (i + 1) * bytes),
  );
  return Buffer.concat(images.map(interleave));
}

/** As float64, whatever the dtype. */
export function numbersOf(tensor: TensorData | undefined): Float64Array {
  if (tensor === undefined) throw new Error('the tensor is missing');
  const { buffer, byteOffset, byteLength } = tensor.data.slice();
  switch (tensor.dtype) {
    case 'F32':
      return Float64Array.from(new Float32Array(buffer, byteOffset, byteLength / 4));
    case 'F64':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
    case 'I64':
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
    default:
      throw new Error(`no golden value has the dtype ${tensor.dtype}`);
  }
}

export function floatsOf(tensor: TensorData | undefined): Float32Array {
  return Float32Array.from(numbersOf(tensor));
}

/** Of logits [B,10]: what they say but for a shift of each image's. */
export function logProbabilities(logits: TensorData | undefined): Float64Array {
  const values = numbersOf(logits);
  return values.map((value, index) => {
    const begin = 10 * Math.floor(index / 10);
    const row = values.subarray(begin, begin + 10);
    return value - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  });
}

/** max|found − expected| / max|expected|; infinite where a value is no number. */
export function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [difference, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs((found[i] as number) - (expected[i] as number));
    difference = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : Math.max(difference, distance);
    scale = Math.max(scale, Math.abs(expected[i] as number));
  }
  return difference === 0 ? 0 : difference / scale;
}

// As in scripts/make-golden.py, which says why.
const SAMPLED_VALUES = 64;

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/** A tensor as the golden values hold it after five steps: some values of a large one. */
export function sampled({ name, ...tensor }: NamedTensor): NamedTensor {
  const values = numbersOf(tensor);
  const size = values.length;
  if (size <= SAMPLED_VALUES) return { name, ...tensor };
  let stride = Math.floor(0.618 * size);
  while (divisor(stride, size) > 1) stride += 1;
  const kept = Float64Array.from(
    { length: SAMPLED_VALUES },
    (_, index) => values[(index * stride) % size] as number,
  );
  return { name, dtype: 'F64', shape: [SAMPLED_VALUES], data: new Uint8Array(kept.buffer) };
}

/** Fails with the names, errors and bounds of all tensors that are off, missing or too many. */
export function expectSame(
  found: readonly NamedTensor[],
  expected: Tensors,
  boundOf: (tensor: TensorData) => number = () => BOUND,
): void {
  const byName = new Map(found.map(({ name, ...tensor }) => [name, tensor]));
  expect([...byName.keys()].sort()).toEqual([...expected.keys()].sort());
  const off = [...expected].flatMap(([name, tensor]) => {
    const error = relativeError(numbersOf(byName.get(name)), numbersOf(tensor));
    const bound = boundOf(tensor);
    return error <= bound ? [] : [`${name}: ${error.toExponential(1)}, above ${bound}`];
  });
  expect(off).toEqual([]);
}
