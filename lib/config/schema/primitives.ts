// Owns the small types that keys are made of, each with its expectation in words. Must not know any key.
import { z } from 'zod';

export const MAP = 'a map of keys';

export function groupMap(group: string): string {
  return `a map of keys (an option is picked with "defaults: [${group}: <option>]")`;
}

export function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, `one of ${values.join(', ')}`);
}

export function integer(min: number, max: number, expected = `an integer from ${min} to ${max}`) {
  return z.int(expected).min(min, expected).max(max, expected);
}

export function integerOrNull(min: number, max: number) {
  return integer(min, max, `an integer from ${min} to ${max}, or null`).nullable();
}

export function list<Item extends z.ZodType>(item: Item, min: number, max: number) {
  const expected = min === max ? `a list of ${min} values` : `a list of ${min} to ${max} values`;
  return z.array(item, expected).min(min, expected).max(max, expected);
}

export function rgb<Item extends z.ZodType>(item: Item) {
  return z.tuple([item, item, item], 'a list of three numbers, for R, G and B');
}

export const truth = z.boolean('true or false');
export const path = z.string('a path').min(1, 'a path');
export const pathOrNull = z.string('a path or null').min(1, 'a path or null').nullable();
export const finite = z.number('a number');
export const positive = z.number('a number above 0').positive('a number above 0');
export const notNegative = z.number('a number of at least 0').min(0, 'a number of at least 0');
export const fractionText = 'a number from 0 to 1';
export const fraction = z.number(fractionText).min(0, fractionText).max(1, fractionText);
export const positiveOrNull = z
  .number('a number above 0, or null')
  .positive('a number above 0, or null')
  .nullable();
export const belowOneText = 'a number of at least 0 and below 1';
export const belowOne = z.number(belowOneText).min(0, belowOneText).lt(1, belowOneText);
export const belowOneOrNull = z
  .number(`${belowOneText}, or null`)
  .min(0, `${belowOneText}, or null`)
  .lt(1, `${belowOneText}, or null`)
  .nullable();
export const MAX_CHANNELS = 4096;
export const channels = integer(1, MAX_CHANNELS);

/** The error of a map whose `name` picks its keys. */
export function variantMessage(names: string, map: string) {
  return (issue: { readonly code: string | undefined }) =>
    issue.code === 'invalid_type' ? map : `one of ${names}`;
}
