// Owns the step from texts to numbers and words, and from a range to its numbers. Pure.
import type { Scalar } from './node.js';

const INTEGER = /^[+-]?(?:0|[1-9](?:_?\d)*)$/;
const FLOAT =
  /^[+-]?(?:(?:(?:0|[1-9](?:_?\d)*)\.|(?:0|[1-9](?:_?\d)*)?\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?|(?:0|[1-9](?:_?\d)*)[eE][+-]?\d(?:_?\d)*)$/;
const WORDS: Readonly<Record<string, Scalar>> = {
  null: null,
  true: true,
  false: false,
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

/** A text without quotes: a number or one of the words where it looks like one. */
export function toScalar(text: string): Scalar {
  const word = text.toLowerCase();
  if (Object.hasOwn(WORDS, word)) return WORDS[word] as Scalar;
  return INTEGER.test(text) || FLOAT.test(text) ? Number(text.replaceAll('_', '')) : text;
}

/**
 * start, start + step… below stop (above it for a negative step), each rounded to the digits that were given. Undefined
 * for a step of 0 and for more than `max` values.
 */
export function rangeValues(start: number, stop: number, step: number, max: number): number[] | undefined {
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (step === 0 || !(count <= max)) return undefined;
  const digits = Math.max(...[start, step].map((value) => decimals(value)));
  const values = Array.from({ length: count }, (_, index) => Number((start + index * step).toFixed(digits)));
  // The division may have been rounded up over a whole number.
  return values.filter((value) => (step > 0 ? value < stop : value > stop));
}

function decimals(value: number): number {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  return Math.min(100, Math.max(0, (mantissa.split('.')[1]?.length ?? 0) - Number(exponent)));
}
