// Figures of counted records against the definitions of docs/evaluation.md, computed from the labels themselves.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConfusionTally, type InferRecord } from '../../../lib/index.js';

const CLASSES = ['cat', 'dog', 'frog'];

interface Pair {
  trueLabel: string;
  label: string;
}

const recordOf = ({ trueLabel, label }: Pair): InferRecord => ({
  ...{ file: 'a.png', label, probability: 1, topK: [], trueLabel },
});
const failureOf = (trueLabel: string): InferRecord => ({
  ...{ file: 'a.png', error: { code: 'IMAGE_INVALID', message: 'no image' }, trueLabel },
});

function evaluationOf(pairs: readonly Pair[]) {
  const tally = new ConfusionTally(CLASSES);
  for (const pair of pairs) tally.add(recordOf(pair));
  return tally.evaluate();
}

const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
const pairsOf = fc.array(
  fc.record({ trueLabel: fc.constantFrom(...CLASSES), label: fc.constantFrom(...CLASSES) }),
);

test('each figure is that of its definition', () => {
  fc.assert(
    fc.property(pairsOf, (pairs) => {
      const evaluation = evaluationOf(pairs);
      const count = (of: (pair: Pair) => boolean) => pairs.filter(of).length;
      const recalls: number[] = [];
      for (const name of CLASSES) {
        const hits = count((pair) => pair.trueLabel === name && pair.label === name);
        const [labels, predictions] = [count((p) => p.trueLabel === name), count((p) => p.label === name)];
        expect(evaluation.perClassAccuracy[name]).toBeCloseTo(share(hits, labels), 12);
        expect(evaluation.perClassPrecision[name]).toBeCloseTo(share(hits, predictions), 12);
        expect(evaluation.perClassF1[name]).toBeCloseTo(share(2 * hits, labels + predictions), 12);
        if (labels + predictions > 0) recalls.push(share(hits, labels));
      }
      const total = recalls.reduce((sum, value) => sum + value, 0);
      expect(evaluation.macroRecall).toBeCloseTo(share(total, recalls.length), 12);
      expect(evaluation.imageCount).toBe(pairs.length);
      expect(evaluation.accuracy).toBeCloseTo(
        share(
          count((p) => p.trueLabel === p.label),
          pairs.length,
        ),
        12,
      );
    }),
  );
});

test('counts by true class and predicted class; what failed or has no true class does not count', () => {
  const tally = new ConfusionTally(CLASSES);
  tally.add(recordOf({ trueLabel: 'cat', label: 'dog' }));
  tally.add(failureOf('cat'));
  tally.add({ file: 'a.png', label: 'dog', probability: 1, topK: [] });
  expect(tally.evaluate().confusionMatrix).toEqual([
    [0, 1, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test('goes on from the matrix of an earlier tally, and leaves it as it is', () => {
  fc.assert(
    fc.property(pairsOf, pairsOf, (before, after) => {
      const first = evaluationOf(before).confusionMatrix;
      const copy = structuredClone(first);
      const tally = new ConfusionTally(CLASSES, first);
      for (const pair of after) tally.add(recordOf(pair));
      expect(tally.evaluate()).toEqual(evaluationOf([...before, ...after]));
      expect(first).toEqual(copy);
    }),
  );
});

test.each([
  ['too few rows', [[1, 2, 3]]],
  ['a short row', [[1], [1, 2, 3], [1, 2, 3]]],
  [
    'no counts',
    [
      [0.5, 0, 0],
      [0, -1, 0],
      [0, 0, 0],
    ],
  ],
])('a matrix with %s is refused', (_, matrix) => {
  expect(() => new ConfusionTally(CLASSES, matrix)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
  );
});
