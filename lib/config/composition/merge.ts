// Owns how two trees become one, as OmegaConf merges: maps merge, lists and scalars replace, `???` replaces nothing.
// Must not read files or know keys by name.
import { Cifar10Error } from '../../errors.js';
import { describePlace, type Entry, isInterpolated, isMissing, type MapNode, type Node } from './node.js';

/**
 * Paths of maps whose `name` decides which other keys they have. Another name replaces the whole map: what is set for
 * one optimizer means nothing to another. Hydra would keep the old keys, which then are no keys of the new one.
 */
export type VariantPaths = ReadonlySet<string>;

/** The base with everything of `over` laid on it. Errors: `CONFIG_INVALID_VALUE` for what cannot be merged. */
export function mergeMaps(base: MapNode, over: MapNode, variants: VariantPaths, path = ''): MapNode {
  if (variants.has(path) && isAnotherVariant(base, over)) return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries)
    entries.set(
      key,
      mergeEntry(base.entries.get(key), entry, variants, path === '' ? key : `${path}.${key}`),
    );
  return { kind: 'map', at: over.at, entries };
}

function mergeEntry(before: Entry | undefined, over: Entry, variants: VariantPaths, path: string): Entry {
  if (before === undefined) return over;
  if (isMissing(over.node)) return before;
  return { keyAt: over.keyAt, node: mergeNodes(before.node, over.node, variants, path) };
}

/** The node that stands at `path` when `over` is laid on `before`. */
export function mergeNodes(before: Node, over: Node, variants: VariantPaths, path: string): Node {
  if (over.kind === 'scalar' || before.kind === over.kind || !mustNotMeet(before, over))
    return before.kind === 'map' && over.kind === 'map' ? mergeMaps(before, over, variants, path) : over;
  throw new Cifar10Error('CONFIG_INVALID_VALUE', {
    what: `the ${over.kind} for "${path}" in ${describePlace(over.at)} cannot be merged`,
    expected: `${describeKind(before)}, as in ${describePlace(before.at)}`,
    found: `a ${over.kind}`,
    nextStep: 'write the kind of value that the key has',
  });
}

/** A list over a map, a map over a list, and a map over a reference, whose value is not known yet. */
function mustNotMeet(before: Node, over: Node): boolean {
  return before.kind !== 'scalar' || (over.kind === 'map' && isInterpolated(before));
}

function describeKind(node: Node): string {
  return isInterpolated(node) ? `a value in place of the reference ${node.value}` : `a ${node.kind}`;
}

function isAnotherVariant(base: MapNode, over: MapNode): boolean {
  const [before, name] = [nameOf(base), nameOf(over)];
  return name !== undefined && before !== undefined && name !== before;
}

function nameOf(map: MapNode): unknown {
  const name = map.entries.get('name')?.node;
  return name?.kind === 'scalar' ? name.value : undefined;
}
