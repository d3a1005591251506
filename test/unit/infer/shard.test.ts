// Parts of a folder, one after the other, are the folder, whatever their number is.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shardOf } from '../../../lib/infer/shard.js';

test('all parts one after the other are the list, and are of the same length but for one', () => {
  const lists = fc.array(fc.string(), { maxLength: 200 });
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 250 }), (list, count) => {
      const parts = Array.from({ length: count }, (_, part) => shardOf(list, { index: part + 1, count }));
      expect(parts.flat()).toEqual(list);
      const lengths = parts.map(({ length }) => length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }),
  );
});

test('without a shard it is all of the list', () => {
  expect(shardOf(['a', 'b'], undefined)).toEqual(['a', 'b']);
});

test.each([
  [0, 2],
  [3, 2],
  [1, 0],
  [1.5, 2],
  [1, Number.NaN],
  [1, 1_000_001],
])('part %d of %d is refused', (index, count) => {
  expect(() => shardOf([], { index, count })).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', found: `part ${index} of ${count}` }),
  );
});
