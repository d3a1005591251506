import { describe, expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';

/** A fixed pseudo-random matrix, so that a failure can be repeated. */
function randomMatrix(rows: number, columns: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: rows * columns }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 30 - 1;
  });
}

function orthogonalize(values: Float32Array, shape: number[], steps: number): Float32Array {
  const data = new Uint8Array(values.buffer);
  return loadNative().orthogonalize({ name: 'gradient', dtype: 'F32', shape, data }, steps);
}

/** The recipe's formula in plain loops over the wide form [rows, columns]. */
function referenceNewtonSchulz(values: Float32Array, rows: number, columns: number, steps: number): number[] {
  const at = (m: number[], width: number, i: number, j: number) => m[i * width + j] as number;
  const multiply = (a: number[], b: number[], n: number, k: number, m: number) =>
    Array.from({ length: n * m }, (_, index) => {
      let sum = 0;
      for (let t = 0; t < k; t++) sum += at(a, k, Math.floor(index / m), t) * at(b, m, t, index % m);
      return sum;
    });
  const transpose = (a: number[], n: number, m: number) =>
    Array.from({ length: n * m }, (_, index) => at(a, m, index % n, Math.floor(index / n)));
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  let x = Array.from(values, (value) => value / (norm + 1e-7));
  for (let step = 0; step < steps; step++) {
    const gram = multiply(x, transpose(x, rows, columns), rows, columns, rows);
    const squared = multiply(gram, gram, rows, rows, rows);
    const mixed = gram.map((value, i) => -4.775 * value + 2.0315 * (squared[i] as number));
    const change = multiply(mixed, x, rows, rows, columns);
    x = x.map((value, i) => 3.4445 * value + (change[i] as number));
  }
  return x;
}

describe('Newton–Schulz', () => {
  test('follows the recipe’s formula', () => {
    const values = randomMatrix(4, 9);
    const result = orthogonalize(values, [4, 1, 3, 3], 3);
    const expected = referenceNewtonSchulz(values, 4, 9, 3);
    for (const [i, value] of expected.entries()) expect(result[i]).toBeCloseTo(value, 5);
  });

  test('a tall matrix gives the transpose of what its transpose gives', () => {
    const wide = randomMatrix(4, 9);
    const tall = Float32Array.from({ length: 36 }, (_, i) => wide[(i % 4) * 9 + Math.floor(i / 4)] as number);
    const fromWide = orthogonalize(wide, [4, 9], 3);
    const fromTall = orthogonalize(tall, [9, 4], 3);
    for (let i = 0; i < 36; i++)
      expect(fromTall[i]).toBeCloseTo(fromWide[(i % 4) * 9 + Math.floor(i / 4)] as number, 5);
  });

  test('ten steps bring rows close to unit length and right angles', () => {
    const result = orthogonalize(randomMatrix(3, 64), [3, 64], 10);
    const dot = (i: number, j: number) =>
      Array.from(
        { length: 64 },
        (_, t) => (result[i * 64 + t] as number) * (result[j * 64 + t] as number),
      ).reduce((sum, product) => sum + product, 0);
    for (let i = 0; i < 3; i++)
      for (let j = 0; j < 3; j++)
        if (i === j) {
          expect(dot(i, j)).toBeGreaterThan(0.4); // singular values end in about 0.68 to 1.13
          expect(dot(i, j)).toBeLessThan(1.5);
        } else expect(Math.abs(dot(i, j))).toBeLessThan(0.3);
  });
});
