import { expect, test } from 'vitest';

// Plain JavaScript, which TypeScript does not read.
const { markdownTable, summarize } = await import('../../../scripts/reproduction.mjs' as string);

const RUN = {
  accuracy: 0.93,
  ttaAccuracy: 0.94,
  crossEntropy: 0.3,
  durationSeconds: 100,
  trainSeconds: 80,
  testSeconds: 15,
  imagesPerSecond: 1000,
};

test('a figure that a run lacks has no mean', () => {
  const figures = summarize([RUN, { ...RUN, accuracy: 0.94, ttaAccuracy: null }]);
  expect(figures.accuracy.mean).toBeCloseTo(0.935, 12);
  expect(figures.accuracy.deviation).toBeCloseTo(0.01 / Math.sqrt(2), 12);
  expect(figures.ttaAccuracy).toBeNull();
});

test('the row of a table', () => {
  const slow = { durationSeconds: 1000, imagesPerSecond: 100 };
  const other = { accuracy: 0.932, durationSeconds: 160, imagesPerSecond: 1401 };
  const runs = [RUN, { ...RUN, ...other }, { ...RUN, accuracy: 0.931, ...slow }];
  const [head, rule, row, ...rest] = markdownTable({
    experiment: 'resnet20',
    overrides: ['training.epochs=1'],
    runs,
    figures: summarize(runs),
    hardware: 'a processor, 2 cores, 2 threads',
    versions: { 'cifar10-torch': '0.1.0', LibTorch: '2.13.0' },
    date: '2026-01-31',
  }).split('\n');
  expect(rest).toEqual([]);
  expect(row).toBe(
    '| `resnet20` `training.epochs=1` | 3 | 93.10 ± 0.10 % | 94.00 ± 0.00 % | 2.7 min | 1,000 | ' +
      'a processor, 2 cores, 2 threads | cifar10-torch 0.1.0, LibTorch 2.13.0 | 2026-01-31 |',
  );
  expect(head.split('|')).toHaveLength(row.split('|').length);
  expect(rule.split('|')).toHaveLength(row.split('|').length);
});

test('a single run has no deviation, a run without TTA a dash', () => {
  const runs = [{ ...RUN, ttaAccuracy: null, durationSeconds: 7800 }];
  const request = { experiment: 'x', overrides: [], hardware: 'h', versions: {}, date: 'd' };
  expect(markdownTable({ ...request, runs, figures: summarize(runs) })).toContain(
    '| `x` | 1 | 93.00 % | – | 2.2 h | 1,000 | h |  | d |',
  );
});
