// Owns replacing every `${…}` in a tree by what it refers to, as OmegaConf 2.3 does: a text that is one reference
// takes the value and its type, in a longer text the value is written out. Must not read files.
import { Cifar10Error } from '../../errors.js';
import { nearestKey } from '../nearest-key.js';
import {
  childOf,
  describePlace,
  isInterpolated,
  isMissing,
  keyPaths,
  type MapNode,
  type Node,
  type Place,
  toPlain,
} from './node.js';
import { type Part, parseReferences } from './reference-parser.js';
import { literalArgument, RESOLVERS, ResolverError, type Surroundings, textOfValue } from './resolvers.js';

/** The tree without references. Errors: `CONFIG_INTERPOLATION`. */
export function interpolate(root: MapNode, surroundings: Surroundings): MapNode {
  return new Interpolator(root, surroundings).resolve(root, []) as MapNode;
}

class Interpolator {
  readonly #root: MapNode;
  readonly #surroundings: Surroundings;
  /** The references being resolved: one that comes up again has no end. */
  readonly #open: string[] = [];

  constructor(root: MapNode, surroundings: Surroundings) {
    this.#root = root;
    this.#surroundings = surroundings;
  }

  /** The node, which stands at `path`, without references. */
  resolve(node: Node, path: readonly string[]): Node {
    if (node.kind === 'list')
      return {
        ...node,
        items: node.items.map((item, index) => this.resolve(item, [...path, String(index)])),
      };
    if (node.kind === 'map') {
      const entries = [...node.entries].map(
        ([key, entry]) => [key, { ...entry, node: this.resolve(entry.node, [...path, key]) }] as const,
      );
      return { ...node, entries: new Map(entries) };
    }
    if (!isInterpolated(node)) return node;
    const parts = parseReferences(node.value);
    if (parts === undefined)
      throw interpolationError(node.value, node.at, {
        expected: 'a key, or a resolver with its arguments, between "${" and "}"',
        found: `"${node.value}"`,
        nextStep: 'close the reference, or write \\${ for the text itself',
      });
    return this.#value(parts, path, node.at);
  }

  #value(parts: readonly Part[], path: readonly string[], at: Place): Node {
    const [only] = parts;
    // The error about a value points to where it was referred to.
    if (parts.length === 1 && only && only.kind !== 'text') return { ...this.#reference(only, path, at), at };
    return { kind: 'scalar', at, value: this.#text(parts, path, at) };
  }

  #text(parts: readonly Part[], path: readonly string[], at: Place): string {
    const texts = parts.map((part) =>
      part.kind === 'text' ? part.text : textOfValue(toPlain(this.#reference(part, path, at))),
    );
    return texts.join('');
  }

  #reference(part: Exclude<Part, { kind: 'text' }>, path: readonly string[], at: Place): Node {
    return part.kind === 'call' ? this.#call(part, path, at) : this.#lookUp(part, path, at);
  }

  #lookUp(part: Part & { kind: 'key' }, path: readonly string[], at: Place): Node {
    const key = this.#text(part.key, path, at);
    const target = targetPath(key, path);
    if (target === undefined) throw this.#absent([key], part.source, at);
    const name = target.join('.');
    if (this.#open.includes(name))
      throw interpolationError(part.source, at, {
        expected: 'references that come to an end',
        found: [...this.#open, name].join(' → '),
        nextStep: 'take one of these references out',
      });
    this.#open.push(name);
    try {
      const { node, isResolved } = this.#follow(target, part.source, at);
      return isResolved ? node : this.resolve(node, target);
    } finally {
      this.#open.pop();
    }
  }

  /** Goes down key by key: a reference on the way is resolved first. */
  #follow(target: readonly string[], source: string, at: Place): { node: Node; isResolved: boolean } {
    let node: Node = this.#root;
    let isResolved = false;
    for (const [depth, key] of target.entries()) {
      const isReference: boolean = !isResolved && isInterpolated(node);
      const parent: Node = isReference ? this.resolve(node, target.slice(0, depth)) : node;
      isResolved ||= isReference;
      const child = childOf(parent, key);
      if (child === undefined) throw this.#absent(target, source, at);
      node = child.node;
    }
    if (!isMissing(node)) return { node, isResolved };
    throw interpolationError(source, at, {
      expected: `a value for "${target.join('.')}"`,
      found: '???',
      nextStep: `give it: ${target.join('.')}=<value>`,
    });
  }

  #absent(target: readonly string[], source: string, at: Place): Cifar10Error {
    const key = target.join('.');
    const nearest = nearestKey(key, keyPaths(this.#root));
    return interpolationError(source, at, {
      expected: 'a key that is there',
      found: `"${key}"`,
      nextStep: nearest === undefined ? 'check the key' : `use the nearest key, "${nearest}"`,
    });
  }

  #call(part: Part & { kind: 'call' }, path: readonly string[], at: Place): Node {
    const resolver = Object.hasOwn(RESOLVERS, part.resolver) ? RESOLVERS[part.resolver] : undefined;
    if (resolver === undefined)
      throw interpolationError(part.source, at, {
        expected: `one of the resolvers ${Object.keys(RESOLVERS).join(', ')}`,
        found: `"${part.resolver}"`,
        nextStep: 'use one of these, or write \\${ for the text itself',
      });
    const args = part.args.map((arg, index) => ({
      node: this.#argument(arg, part.quoted[index] === true, path, at),
      isQuoted: part.quoted[index] === true,
    }));
    const given = args.length === 1 && part.args[0]?.length === 0 && !args[0]?.isQuoted ? [] : args;
    try {
      return resolver(given, this.#surroundings, at);
    } catch (error) {
      if (error instanceof ResolverError) throw interpolationError(part.source, at, error);
      throw error;
    }
  }

  #argument(parts: readonly Part[], isQuoted: boolean, path: readonly string[], at: Place): Node {
    if (parts.every((part) => part.kind === 'text'))
      return literalArgument(this.#text(parts, path, at), isQuoted, at);
    return this.#value(parts, path, at);
  }
}

/**
 * `a.b` and `a[0]` from the root, `.a` from the map that holds the reference, `..a` from the one above. Undefined for a
 * way out of the root and for a name that is empty.
 */
function targetPath(key: string, path: readonly string[]): string[] | undefined {
  const dots = /^\.*/.exec(key)?.[0].length ?? 0;
  const names = key
    .slice(dots)
    .replace(/\[([^\]]*)\]/g, '.$1')
    .split('.');
  if (dots > path.length || names.includes('')) return undefined;
  return dots === 0 ? names : [...path.slice(0, path.length - dots), ...names];
}

function interpolationError(
  source: string,
  at: Place,
  details: { expected: string; found: string; nextStep: string },
): Cifar10Error {
  const { expected, found, nextStep } = details;
  return new Cifar10Error('CONFIG_INTERPOLATION', {
    what: `${source} cannot be resolved (${describePlace(at)})`,
    expected,
    found,
    nextStep,
  });
}
