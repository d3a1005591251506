// Owns the functions that references may call: `${oc.env:NAME}`, `${now:%Y}`… Pure: what they read is given to them.
import strftime from 'strftime';
import { Cifar10Error } from '../../errors.js';
import { fromPlain, type Node, type Place, type Scalar, toPlain } from './node.js';
import { toScalar } from './scalar-text.js';
import { parseValue } from './value-parser.js';

/** What resolvers read from outside the configuration. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The same moment for a whole run. */
  readonly now: Date;
}

/** One argument: the value it has, and whether it was quoted. */
export interface Argument {
  readonly node: Node;
  readonly isQuoted: boolean;
}

/** A failure in words: what was expected and what was found. */
export class ResolverError extends Error {
  constructor(
    readonly expected: string,
    readonly found: string,
    readonly nextStep: string,
  ) {
    super(expected);
  }
}

type Resolver = (args: readonly Argument[], surroundings: Surroundings, at: Place) => Node;

export const RESOLVERS: Readonly<Record<string, Resolver>> = {
  'oc.env': readEnvironment,
  'oc.decode': decode,
  now: formatNow,
};

/** A variable of the environment, always a text; else the default, a text as well unless it is null. */
function readEnvironment(args: readonly Argument[], { env }: Surroundings, at: Place): Node {
  const [name, fallback] = assertCount(args, 1, 2);
  const key = textOf(name);
  const value = Object.hasOwn(env, key) ? env[key] : undefined;
  if (value !== undefined) return { kind: 'scalar', at, value };
  if (fallback === undefined)
    throw new ResolverError(
      `the environment variable "${key}" to be set`,
      'none',
      `set it, or give a default: \${oc.env:${key},<default>}`,
    );
  const { node, isQuoted } = fallback;
  const isNull = !isQuoted && node.kind === 'scalar' && node.value === null;
  return { kind: 'scalar', at, value: isNull ? null : textOf(fallback) };
}

/** The value that a text would have in an override: `"1e-3"` is a number. */
function decode(args: readonly Argument[], _surroundings: Surroundings, at: Place): Node {
  const [argument] = assertCount(args, 1, 1);
  const node = argument?.node;
  if (node?.kind !== 'scalar' || typeof node.value !== 'string')
    return node ?? { kind: 'scalar', at, value: null };
  try {
    const parsed = parseValue(node.value, 0);
    if (parsed.kind === 'value') return fromPlain(toPlain(parsed.node), at);
  } catch (error) {
    if (!(error instanceof Cifar10Error)) throw error;
  }
  throw new ResolverError('a number, a list or another value', `"${node.value}"`, 'correct the text');
}

function formatNow(args: readonly Argument[], { now }: Surroundings, at: Place): Node {
  const [format] = assertCount(args, 0, 1);
  return { kind: 'scalar', at, value: strftime(format ? textOf(format) : '%Y-%m-%d_%H-%M-%S', now) };
}

function assertCount(args: readonly Argument[], min: number, max: number): readonly Argument[] {
  if (args.length >= min && args.length <= max) return args;
  const expected = min === max ? `${min} argument` : `${min} or ${max} arguments`;
  throw new ResolverError(expected, String(args.length), 'correct the reference');
}

function textOf(argument: Argument | undefined): string {
  return argument === undefined ? '' : textOfValue(toPlain(argument.node));
}

/**
 * A value inside a text, written as Python writes it, which is what OmegaConf does; but a float without a fraction has
 * none here either: JavaScript has one kind of number.
 */
export function textOfValue(value: unknown): string {
  return typeof value === 'string' ? value : pythonText(value);
}

function pythonText(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return pythonNumber(value);
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(pythonText).join(', ')}]`;
  const pairs = Object.entries(value as object).map(([key, item]) => `'${key}': ${pythonText(item)}`);
  return `{${pairs.join(', ')}}`;
}

/** Python writes an exponent below 1e-4 and from 1e16 on, with two digits at least. */
function pythonNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [mantissa = '', sign = '', exponent = ''] = value.toExponential().split(/e([+-])/);
  const power = Number(`${sign}${exponent}`);
  return value !== 0 && (power < -4 || power >= 16)
    ? `${mantissa}e${sign}${exponent.padStart(2, '0')}`
    : String(value);
}

/** The value of an argument that is a text without references. */
export function literalArgument(text: string, isQuoted: boolean, at: Place): Node {
  const value: Scalar = isQuoted ? text : toScalar(text);
  return { kind: 'scalar', at, value };
}
