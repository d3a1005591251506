// Owns the split of a sorted list among machines that share it. Pure.
import { Cifar10Error } from '../errors.js';

/**
 * One of several parts of a folder: what several machines classify together.
 *
 * @category Inference
 */
export interface Shard {
  /** Which part, from 1 to `count`. */
  index: number;
  /** How many parts there are, from 1. */
  count: number;
}

/**
 * The part of the list: what follows on the part before and ends where the next one begins, so that all parts one after the other are
 * the list. Their lengths differ by one at most. Errors: `INVALID_ARGUMENT`.
 */
export function shardOf<Item>(sorted: readonly Item[], shard: Shard | undefined): readonly Item[] {
  if (shard === undefined) return sorted;
  const { index, count } = shard;
  assertValid(index, count);
  const begin = (part: number) => Math.floor((part * sorted.length) / count);
  return sorted.slice(begin(index - 1), begin(index));
}

function assertValid(index: number, count: number): void {
  const isValid = Number.isSafeInteger(index) && Number.isSafeInteger(count) && 1 <= index && index <= count;
  if (isValid && count <= MAX_COUNT) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'there is no such part of the folder',
    expected: `an index from 1 to the count of parts, and a count of at most ${MAX_COUNT}`,
    found: `part ${index} of ${count}`,
    nextStep: 'give another index or count',
  });
}

const MAX_COUNT = 1_000_000;
