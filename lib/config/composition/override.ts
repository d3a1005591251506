// Owns the text form of an override as a whole: its prefix, its key, its value. Must not apply it.

import { Cifar10Error } from '../../errors.js';
import type { Place } from './node.js';
import { invalidOverride, type ParsedValue, parseValue } from './value-parser.js';

/** change `a=1`, add `+a=1`, force-add `++a=1`, delete `~a`. */
export type OverrideKind = 'change' | 'add' | 'force-add' | 'delete';

export interface Override {
  /** As it was given. */
  readonly text: string;
  readonly kind: OverrideKind;
  /** `a.b.c` of a value or `a/b` of a group. */
  readonly key: string;
  readonly keyAt: Place;
  /** What stands behind `@`. */
  readonly package: string | undefined;
  /** Undefined only for `~a`. */
  readonly value: ParsedValue | undefined;
}

const KINDS: Readonly<Record<string, OverrideKind>> = {
  '': 'change',
  '+': 'add',
  '++': 'force-add',
  '~': 'delete',
};
const WORD = '[A-Za-z_$][\\w$-]*|\\d+';
const KEY = new RegExp(`^(?:(?:${WORD})(?:\\.(?:${WORD}))*|(?:${WORD})(?:/(?:${WORD}))+)$`);
const PACKAGE = new RegExp(`^(?:${WORD})(?:\\.(?:${WORD}))*$`);
const EXAMPLE = 'write it like training.epochs=8, model=resnet20, +new.key=1 or ~old.key';

/** The error for several values where there is no sweep. */
export function severalValues({ text, value }: Override): Cifar10Error {
  return new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
    what: `override "${text}" has several values`,
    expected: 'one value',
    found: value?.kind === 'sweep' ? `${value.choices.length} values` : 'none',
    nextStep: 'add -m (--multirun) to run one training for each, or put the value in quotes',
  });
}

/** Takes an override apart. Errors: `CONFIG_INVALID_OVERRIDE` with the position in it. */
export function parseOverride(text: string): Override {
  const prefix = /^(?:~|\+{0,2})/.exec(text)?.[0] ?? '';
  const kind = KINDS[prefix] as OverrideKind;
  const equals = text.indexOf('=');
  if (equals < 0 && kind !== 'delete') throw invalidOverride(text, text.length, '"=" and a value', EXAMPLE);
  const end = equals < 0 ? text.length : equals;
  const [key = '', pkg] = text.slice(prefix.length, end).split(/@(.*)/s);
  if (!KEY.test(key))
    throw invalidOverride(text, prefix.length, 'a key such as a.b.c or a group such as a/b', EXAMPLE);
  if (pkg !== undefined && !PACKAGE.test(pkg))
    throw invalidOverride(text, prefix.length + key.length + 1, 'a package such as a.b', EXAMPLE);
  return {
    text,
    kind,
    key,
    keyAt: { kind: 'override', text, character: prefix.length + 1 },
    package: pkg,
    value: equals < 0 ? undefined : parseValue(text, equals + 1),
  };
}
