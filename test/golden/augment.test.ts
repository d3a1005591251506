// Each augmentation against what Pillow, numpy and colorsys make of the same images (scripts/golden/augment.py).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';
import type { Augmentation } from '../../lib/native-addon.js';

interface GoldenCase {
  request: Augmentation;
  /** Of `images`. */
  rows: number[];
  /** Of `expected`: [N,32,32,3], base64. */
  kind: 'uint8' | 'float32';
  expected: string;
}

interface GoldenValues {
  /** uint8 [N,32,32,3], base64 */
  images: string;
  cases: GoldenCase[];
  magnitudes: Record<'rand_augment' | 'trivial_augment', number[][]>;
}

const path = join(import.meta.dirname, 'values/augment.json.gz');
const golden = JSON.parse(gunzipSync(readFileSync(path)).toString()) as GoldenValues;
const IMAGE_VALUES = 3 * 32 * 32;
const allImages = Uint8Array.from(Buffer.from(golden.images, 'base64'));

function imagesOf(rows: readonly number[]): Uint8Array {
  const images = rows.map((row) => allImages.subarray(row * IMAGE_VALUES, (row + 1) * IMAGE_VALUES));
  return Uint8Array.from(images.flatMap((image) => [...image]));
}

/** [N,3,32,32] -> [N,32,32,3] */
function interleaved(planes: Float32Array): Float32Array {
  return planes.map((_, index) => {
    const [image, inner] = [Math.floor(index / IMAGE_VALUES), index % IMAGE_VALUES];
    return planes[image * IMAGE_VALUES + (inner % 3) * 1024 + Math.floor(inner / 3)] as number;
  });
}

function expectedOf({ kind, expected }: GoldenCase): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(expected, 'base64'));
  return kind === 'uint8' ? Float32Array.from(bytes) : new Float32Array(bytes.buffer);
}

function titleOf({ request }: GoldenCase): string {
  const { operation, ...parameters } = request;
  return `${operation} ${JSON.stringify(parameters)}`;
}

test('the values are of several kinds', () => {
  expect(golden.cases.length).toBeGreaterThan(50);
  expect(new Set(golden.cases.map(({ request }) => request.operation)).size).toBe(18);
});

describe('gives the golden values', () => {
  test.each(golden.cases.map((golden) => [titleOf(golden), golden] as const))('%s', (_title, golden) => {
    const { request, rows, kind } = golden;
    const found = interleaved(loadNative().applyAugmentation({ ...request, images: imagesOf(rows) }));
    const expected = expectedOf(golden);
    expect(found).toHaveLength(expected.length);
    const differences = found.map((value, index) => Math.abs(value - (expected[index] as number)));
    // Pixels are exact; floats were computed in double precision by the reference, and reach from 0 to 1 or 255.
    const tolerance = kind === 'uint8' ? 0 : request.operation === 'mix' ? 1e-4 : 2e-6;
    expect(differences.reduce((most, difference) => Math.max(most, difference), 0)).toBeLessThanOrEqual(
      tolerance,
    );
  });
});

test.each(['rand_augment', 'trivial_augment'] as const)('the magnitudes of %s', (policy) => {
  const found = loadNative().policyMagnitudes(policy);
  const expected = golden.magnitudes[policy].flat();
  expect(found).toHaveLength(expected.length);
  found.forEach((value, index) => {
    expect(value).toBeCloseTo(expected[index] as number, 4);
  });
  // Where pixels and bits are counted, rounding must not take one away.
  const counted = [3, 4, 10].flatMap((row) => Array.from({ length: 31 }, (_, bin) => row * 31 + bin));
  for (const index of counted)
    expect(Math.trunc(found[index] as number)).toBe(Math.trunc(expected[index] as number));
});
