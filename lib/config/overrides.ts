// Owns the text form of overrides, `group=option` and `a.b.c=value`. Must not apply them: compose.ts does.
import { isCollection, isScalar, parseDocument } from 'yaml';
import { Cifar10Error } from '../errors.js';
import type { Picks } from './groups.js';
import type { Tree } from './keys.js';

/** Overrides taken apart: options to pick, then values to merge in the order they were given. */
export interface Overrides {
  readonly picks: Picks;
  readonly values: readonly Tree[];
}

/** Takes the overrides apart. Errors: `CONFIG_INVALID_OVERRIDE`. */
export function parseOverrides(texts: readonly string[], groups: readonly string[]): Overrides {
  const pairs = texts.map(splitOverride);
  const isPick = ({ key }: Pair) => groups.includes(key);
  return {
    picks: Object.fromEntries(pairs.filter(isPick).map(({ key, value }) => [key, value])),
    values: pairs.filter((pair) => !isPick(pair)).map((pair) => nest(pair.key.split('.'), parseValue(pair))),
  };
}

interface Pair {
  readonly text: string;
  readonly key: string;
  readonly value: string;
}

function splitOverride(text: string): Pair {
  if (/^[+~]/.test(text))
    throw invalidOverride(text, 'no prefix: "+", "++" and "~" are not supported', 'write key=value');
  const match = /^([^\s.=]+(?:\.[^\s.=]+)*)=(.*)$/s.exec(text);
  if (match === null)
    throw invalidOverride(text, 'key=value', 'write it like training.epochs=8 or model=resnet20');
  return { text, key: match[1] as string, value: match[2] as string };
}

/** The value as YAML: a scalar, a [list] or a {map}; what follows `key=` may be nothing, the empty string. */
function parseValue({ text, value }: Pair): unknown {
  if (value.trim() === '') return '';
  const document = parseDocument(value, { logLevel: 'silent' });
  const { contents } = document;
  const isOneValue = isScalar(contents) || (isCollection(contents) && contents.flow === true);
  const hasComment = Boolean(document.comment ?? contents?.comment);
  if (isOneValue && !hasComment && document.errors.length + document.warnings.length === 0)
    try {
      return document.toJS() as unknown;
    } catch {
      // An alias that cannot be resolved: as malformed as any other.
    }
  throw invalidOverride(text, 'a YAML scalar, [list] or {map} after "="', 'put the value in "quotes"');
}

function nest(path: readonly string[], value: unknown): Tree {
  return path.reduceRight((inner, key) => Object.fromEntries([[key, inner]]), value) as Tree;
}

function invalidOverride(text: string, expected: string, nextStep: string): Cifar10Error {
  return new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
    what: `override "${text}" cannot be read`,
    expected,
    nextStep,
  });
}
