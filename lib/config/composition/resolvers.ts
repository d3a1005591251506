// Owns the functions that references may call: `${oc.env:NAME}`, `${now:%Y}`… Pure: what they read is given to them.
import strftime from 'strftime';
import { type Node, type Place, type Scalar, toPlain } from './node.js';
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
  const value = env[key];
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
  const parsed = parseValue(node.value, 0);
  if (parsed.kind === 'value') return parsed.node;
  throw new ResolverError('one value', `"${node.value}"`, 'put it in brackets to make it a list');
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

/** A value inside a text, written as Python writes it, which is what OmegaConf does. */
export function textOfValue(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(textOfValue).join(', ')}]`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The value of an argument that is a text without references. */
export function literalArgument(text: string, isQuoted: boolean, at: Place): Node {
  const value: Scalar = isQuoted ? text : toScalar(text);
  return { kind: 'scalar', at, value };
}
