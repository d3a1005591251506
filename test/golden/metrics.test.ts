// Figures of an evaluation against those of torchmetrics on the same logits (scripts/golden/metrics.py).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { parseSafetensors } from '../safetensors.js';

const PATH = join(PACKAGE_ROOT, 'test/golden/values/metrics.safetensors');
const TOLERANCE = 1e-6;

/** By case, then by name. */
const cases = new Map<string, Map<string, number[]>>();
for (const [path, { dtype, data }] of parseSafetensors(readFileSync(PATH)).tensors) {
  const [name = '', key = ''] = path.split('/');
  const bytes = data.slice().buffer;
  const values =
    dtype === 'F32'
      ? new Float32Array(bytes)
      : dtype === 'F64'
        ? new Float64Array(bytes)
        : new BigInt64Array(bytes);
  cases.set(name, (cases.get(name) ?? new Map()).set(key, Array.from(values as Iterable<number>, Number)));
}

function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  const differences = expected.map((value, index) => Math.abs((actual[index] as number) - value));
  expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
}

describe.each([...cases.keys()])('%s', (name) => {
  const values = (key: string) => cases.get(name)?.get(key) as number[];
  const metrics = loadNative().computeMetrics(Float32Array.from(values('logits')), values('labels'));

  test('overall figures', () => {
    const { 2: top2, 3: top3, 5: top5 } = metrics.topKAccuracy;
    expectNear([metrics.accuracy, top2, top3, top5], ['accuracy', 'top2', 'top3', 'top5'].flatMap(values));
    expectNear([metrics.crossEntropy], values('cross_entropy'));
    expectNear([metrics.expectedCalibrationError], values('calibration_error'));
  });

  test('figures of the classes and their means', () => {
    expectNear(metrics.perClassPrecision, values('precision'));
    expectNear(metrics.perClassAccuracy, values('recall'));
    expectNear(metrics.perClassF1, values('f1'));
    expectNear(
      [metrics.macroPrecision, metrics.macroRecall, metrics.macroF1],
      ['macro_precision', 'macro_recall', 'macro_f1'].flatMap(values),
    );
  });

  test('counts', () => {
    expect(metrics.confusionMatrix.flat()).toEqual(values('confusion'));
    expect(metrics.imageCount).toBe(values('labels').length);
  });
});

test('the cases hold what they are there for', () => {
  const labels = (name: string) => cases.get(name)?.get('labels') as number[];
  const logits = cases.get('ties')?.get('logits') as number[];
  const rows = labels('ties').map((_, row) => logits.slice(10 * row, 10 * row + 10).sort((a, b) => b - a));
  expect(rows.filter(([first, second]) => first === second).length).toBeGreaterThan(20);
  expect(rows.filter((row) => row[4] === row[5]).length).toBeGreaterThan(20);
  expect(new Set(labels('absent classes'))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
  expect(cases.get('wrong with certainty')?.get('cross_entropy')?.[0]).toBeGreaterThan(5);
});

test('logits that do not fit the labels are refused', () => {
  const { computeMetrics } = loadNative();
  expect(() => computeMetrics(new Float32Array(10), [1, 2])).toThrow('ten logits for each label');
  expect(() => computeMetrics(new Float32Array(0), [])).toThrow('ten logits for each label');
});
