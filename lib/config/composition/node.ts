// Owns the tree that composition works on: plain values, each with the place where it was written, so that an
// error found much later can still point there. Must not know how trees are read, merged or checked.
import { Cifar10Error } from '../../errors.js';

/** Where a key or a value was written; lines, columns and characters count from 1. */
export type Place =
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'override'; readonly text: string; readonly character: number }
  | { readonly kind: 'program' };

export type Scalar = string | number | boolean | null;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly at: Place;
  readonly value: Scalar;
}

export interface ListNode {
  readonly kind: 'list';
  readonly at: Place;
  readonly items: readonly Node[];
}

export interface MapNode {
  readonly kind: 'map';
  readonly at: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

export type Node = ScalarNode | ListNode | MapNode;

/** A value and the place of its key. */
export interface Entry {
  readonly keyAt: Place;
  readonly node: Node;
}

export const IN_PROGRAM: Place = { kind: 'program' };

export function emptyMap(at: Place): MapNode {
  return { kind: 'map', at, entries: new Map() };
}

/** The place as an editor or a person takes it: `my.yaml:3:7`, `override "a=1", character 3`. */
export function describePlace(place: Place): string {
  if (place.kind === 'file') return `${place.file}:${place.line}:${place.column}`;
  if (place.kind === 'override') return `override "${place.text}", character ${place.character}`;
  return 'the values given by the program';
}

/** The tree as plain values. */
export function toPlain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)]));
}

/** Plain values as a tree, all of it written at one place. Undefined values are left out. Errors: `INVALID_ARGUMENT`. */
export function fromPlain(value: unknown, at: Place): Node {
  if (Array.isArray(value)) return { kind: 'list', at, items: value.map((item) => fromPlain(item, at)) };
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value))
    return { kind: 'scalar', at, value: value as Scalar };
  if (Object.prototype.toString.call(value) !== '[object Object]')
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: 'a configuration holds a value that is no plain value',
      expected: 'texts, numbers, true, false, null, lists and objects',
      found: Object.prototype.toString.call(value),
      nextStep: 'give a plain value',
    });
  const given = Object.entries(value as object).filter(([, item]) => item !== undefined);
  const entries = given.map(([key, item]) => [key, { keyAt: at, node: fromPlain(item, at) }] as const);
  return { kind: 'map', at, entries: new Map(entries) };
}

/** Errors: `CONFIG_UNKNOWN_KEY` for a key that would be taken for a path. */
export function assertKey(key: string, at: Place): void {
  if (key !== '' && !key.includes('.')) return;
  const [first, ...rest] = key.split('.');
  throw new Cifar10Error('CONFIG_UNKNOWN_KEY', {
    what: `the key "${key}" cannot be used (${describePlace(at)})`,
    expected: 'keys without dots, nested in maps',
    found: `"${key}"`,
    nextStep:
      key === '' ? 'give it a name' : `write ${first}: {${rest.join(': {')}: …${'}'.repeat(rest.length)}`,
  });
}

/** The same for all keys in the node. */
export function assertKeys(node: Node): void {
  if (node.kind === 'list') for (const item of node.items) assertKeys(item);
  if (node.kind !== 'map') return;
  for (const [key, entry] of node.entries) {
    assertKey(key, entry.keyAt);
    assertKeys(entry.node);
  }
}

/** What stands under one key of a map, or at one index of a list. */
export function childOf(node: Node, key: string): Entry | undefined {
  if (node.kind === 'map') return node.entries.get(key);
  if (node.kind !== 'list' || !/^\d+$/.test(key)) return undefined;
  const item = node.items[Number(key)];
  return item && { keyAt: item.at, node: item };
}

/** What stands at a path. */
export function entryAt(root: Node, path: readonly string[]): Entry | undefined {
  let entry: Entry | undefined = { keyAt: root.at, node: root };
  for (const key of path) entry = entry && childOf(entry.node, key);
  return entry;
}

/** The paths of all values and maps below the node, joined by dots. */
export function keyPaths(node: Node, prefix = ''): string[] {
  if (node.kind !== 'map') return [];
  return [...node.entries].flatMap(([key, entry]) => [
    `${prefix}${key}`,
    ...keyPaths(entry.node, `${prefix}${key}.`),
  ]);
}

/** Whether a value has yet to be given: `???`. */
export function isMissing(node: Node): boolean {
  return node.kind === 'scalar' && node.value === '???';
}

/** Whether the value is a text that refers to other values: `${…}`. */
export function isInterpolated(node: Node): node is ScalarNode & { value: string } {
  return node.kind === 'scalar' && typeof node.value === 'string' && node.value.includes('${');
}
