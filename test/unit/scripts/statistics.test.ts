import { expect, test } from 'vitest';

// Plain JavaScript, which TypeScript does not read.
const { deviation, mean, median } = await import('../../../scripts/statistics.mjs' as string);

test('mean and sample standard deviation', () => {
  const values = [2, 4, 4, 4, 5, 5, 7, 9]; // squares of the differences from 5 sum to 32
  expect(mean(values)).toBe(5);
  expect(deviation(values)).toBeCloseTo(Math.sqrt(32 / 7), 12);
  expect(deviation([0.5, 0.5])).toBe(0);
  expect(deviation([3])).toBeNull();
});

test('the median does not mind an outlier, nor the order', () => {
  expect(median([3, 1000, 1])).toBe(3);
  expect(median([4, 1, 1000, 2])).toBe(3);
  expect(median([7])).toBe(7);
});
