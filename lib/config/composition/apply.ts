// Owns what each override of a value does to the tree, as Hydra 1.3 defines it. Must not know keys by name:
// it is told which keys there could be.
import { isDeepStrictEqual } from 'node:util';
import { Cifar10Error } from '../../errors.js';
import { nearestKey } from '../nearest-key.js';
import { mergeNodes, type VariantPaths } from './merge.js';
import {
  describePlace,
  emptyMap,
  entryAt,
  isMissing,
  keyPaths,
  type MapNode,
  type Node,
  toPlain,
} from './node.js';
import { type Override, severalValues } from './override.js';

/** What the engine is told of the keys it composes. */
export interface KnownKeys {
  readonly variants: VariantPaths;
  /** The paths of all keys that a tree like this may have; undefined where any key is as good as another. */
  readonly validKeys: ((tree: MapNode) => readonly string[]) | undefined;
}

/** Applies the overrides in their order. Errors: `CONFIG_UNKNOWN_KEY`, `CONFIG_INVALID_OVERRIDE`, `CONFIG_INVALID_VALUE`. */
export function applyOverrides(root: MapNode, overrides: readonly Override[], known: KnownKeys): MapNode {
  return overrides.reduce((tree, override) => applyOne(tree, override, known), root);
}

function applyOne(root: MapNode, override: Override, known: KnownKeys): MapNode {
  const path = override.key.split('.');
  const before = entryAt(root, path)?.node;
  if (override.kind === 'delete') return remove(root, path, before, override, known);
  const value = singleValue(override);
  if (override.kind === 'change') assertPresent(root, before, value, override, known);
  if (override.kind === 'add') assertAbsent(before, value, override);
  return set(root, path, value, override, known) as MapNode;
}

function singleValue(override: Override): Node {
  if (override.value?.kind === 'value') return override.value.node;
  throw severalValues(override);
}

/**
 * `a=1` changes what is there; a map must change keys that are there. A key that can never be there passes: the check of
 * the whole tree knows more of its neighbours.
 */
function assertPresent(
  root: MapNode,
  before: Node | undefined,
  value: Node,
  override: Override,
  known: KnownKeys,
): void {
  const parent = entryAt(root, override.key.split('.').slice(0, -1))?.node;
  if (parent?.kind === 'list') return; // an index that is not there is refused where it is set
  const absent = before === undefined ? override.key : absentKeyOf(before, value, override, known);
  if (absent === undefined || known.validKeys?.(root).includes(absent) === false) return;
  throw absentKey(root, absent, override, known);
}

/** The first key of the new map that the old one does not have. */
function absentKeyOf(before: Node, value: Node, { key }: Override, known: KnownKeys): string | undefined {
  if (before.kind !== 'map' || value.kind !== 'map' || known.variants.has(key)) return undefined;
  const absent = keyPaths(value).find((path) => entryAt(before, path.split('.')) === undefined);
  return absent && `${key}.${absent}`;
}

/** `+a=1` adds what is not there; null and ??? count as not there, maps and lists may come again. */
function assertAbsent(before: Node | undefined, value: Node, { key, text }: Override): void {
  if (before === undefined || isNothing(before) || value.kind !== 'scalar') return;
  throw new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
    what: `override "${text}" adds a key that is there already`,
    expected: `no "${key}" before`,
    found: `${JSON.stringify(toPlain(before))} in ${describePlace(before.at)}`,
    nextStep: `leave the "+" out: ${text.slice(1)}`,
  });
}

function isNothing(node: Node): boolean {
  return isMissing(node) || (node.kind === 'scalar' && node.value === null);
}

/** `a=1` where there is no `a`: it may be missing only its `+`. */
function absentKey(root: MapNode, key: string, { text, keyAt }: Override, known: KnownKeys): Cifar10Error {
  const nearest = known.validKeys === undefined ? nearestKey(key, keyPaths(root)) : undefined;
  const guess = nearest === undefined ? '' : `use the nearest key, "${nearest}", or `;
  return new Cifar10Error('CONFIG_UNKNOWN_KEY', {
    what: `"${key}" is not in the configuration (${describePlace(keyAt)})`,
    expected: 'a key that is there',
    found: `"${key}"`,
    nextStep: `${guess}write +${text} to add it`,
  });
}

/** The node with `value` at `path`; maps on the way are made where there is none. */
function set(
  node: Node | undefined,
  path: readonly string[],
  value: Node,
  override: Override,
  known: KnownKeys,
): Node {
  const [key, ...rest] = path;
  const done = override.key.split('.').slice(0, override.key.split('.').length - path.length);
  if (key === undefined)
    return node === undefined ? value : mergeNodes(node, value, known.variants, done.join('.'));
  if (node?.kind === 'list') return setItem(node, key, rest, value, override, known);
  const map = node?.kind === 'map' ? node : emptyMap(override.keyAt);
  const before = map.entries.get(key);
  const entry = {
    keyAt: before?.keyAt ?? override.keyAt,
    node: set(before?.node, rest, value, override, known),
  };
  return { ...map, entries: new Map(map.entries).set(key, entry) };
}

function setItem(
  list: Node & { kind: 'list' },
  key: string,
  rest: readonly string[],
  value: Node,
  override: Override,
  known: KnownKeys,
): Node {
  const index = /^\d+$/.test(key) ? Number(key) : Number.NaN;
  if (!(index < list.items.length))
    throw new Cifar10Error('CONFIG_UNKNOWN_KEY', {
      what: `"${override.key}" is not in the list (${describePlace(override.keyAt)})`,
      expected: list.items.length === 0 ? 'a list with items' : `an index from 0 to ${list.items.length - 1}`,
      found: `"${key}"`,
      nextStep: 'correct the index, or give the whole list: key=[1, 2, 3]',
    });
  return { ...list, items: list.items.with(index, set(list.items[index], rest, value, override, known)) };
}

/** `~a` and `~a=1`, which removes only that value. */
function remove(
  root: MapNode,
  path: readonly string[],
  before: Node | undefined,
  override: Override,
  known: KnownKeys,
): MapNode {
  if (before === undefined) throw absentDeletion(root, override, known);
  const found = toPlain(before);
  const expected = override.value === undefined ? found : toPlain(singleValue(override));
  if (!isDeepStrictEqual(expected, found))
    throw new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
      what: `override "${override.text}" removes another value than there is`,
      expected: JSON.stringify(expected),
      found: `${JSON.stringify(found)} in ${describePlace(before.at)}`,
      nextStep: `write ~${override.key} to remove whatever it is`,
    });
  return without(root, path, override) as MapNode;
}

function absentDeletion(root: MapNode, { key, keyAt }: Override, known: KnownKeys): Cifar10Error {
  const nearest = nearestKey(key, known.validKeys?.(root) ?? keyPaths(root));
  return new Cifar10Error('CONFIG_UNKNOWN_KEY', {
    what: `"${key}" is not in the configuration (${describePlace(keyAt)})`,
    expected: 'a key that is there',
    found: `"${key}"`,
    nextStep: nearest === undefined ? 'check the key' : `use the nearest valid key, "${nearest}"`,
  });
}

function without(node: Node, path: readonly string[], override: Override): Node {
  const [key = '', ...rest] = path;
  if (node.kind === 'list' && rest.length === 0)
    throw new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
      what: `${describePlace(override.keyAt)}, removes an item of a list`,
      expected: 'a key of a map',
      found: `"${override.key}"`,
      nextStep: `give the whole list: ${override.key.slice(0, override.key.lastIndexOf('.'))}=[…]`,
    });
  if (node.kind === 'list')
    return {
      ...node,
      items: node.items.map((item, index) => (String(index) === key ? without(item, rest, override) : item)),
    };
  if (node.kind !== 'map') return node;
  const entries = new Map(node.entries);
  const entry = entries.get(key);
  if (rest.length === 0) entries.delete(key);
  else if (entry) entries.set(key, { ...entry, node: without(entry.node, rest, override) });
  return { ...node, entries };
}
