// Owns the syntax of a `defaults:` list (hydra.cc, "The Defaults List"). Must not read other files.
import type { Cifar10Error } from '../../errors.js';
import type { Entry, MapNode, Node, Place } from './node.js';
import { assertKeys, toPlain } from './node.js';
import { invalidFile } from './yaml-file.js';

/** `_self_`: the values of the file itself. */
export interface SelfItem {
  readonly kind: 'self';
}

/** A config by its path, or options of a group. */
export interface ConfigItem {
  readonly kind: 'config' | 'group';
  readonly at: Place;
  /** Path of a config or name of a group, as it was written: absolute with a leading `/`. */
  readonly path: string;
  /** The options picked; empty for `null`, a placeholder. Undefined for `???`, which somebody must pick. */
  readonly options: readonly string[] | undefined;
  readonly package: string | undefined;
  readonly isOverride: boolean;
  readonly isOptional: boolean;
}

export type DefaultsItem = SelfItem | ConfigItem;

const ITEM = /^(?:(override|optional)\s+)?(\/?[\w-]+(?:\/[\w-]+)*)(?:@([\w.-]*))?$/;
const SYNTAX =
  '"_self_", "path/config", "group: option", "override /group: option" or "optional group: option"';

/**
 * The file's items and its values without them; a file without a list has only `_self_`.
 * Errors: `CONFIG_FILE_INVALID`, `CONFIG_UNKNOWN_KEY` for a key with a dot.
 */
export function splitDefaults(root: MapNode): { items: readonly DefaultsItem[]; values: MapNode } {
  const { defaults, ...rest } = Object.fromEntries(root.entries) as Record<string, Entry>;
  const values: MapNode = { ...root, entries: new Map(Object.entries(rest)) };
  assertKeys(values);
  return { items: withSelf(defaults === undefined ? [] : readItems(defaults.node)), values };
}

function readItems(list: Node): DefaultsItem[] {
  if (list.kind !== 'list') throw invalidItem(list, 'a list under "defaults"');
  const items = list.items.map(readItem);
  if (items.filter(({ kind }) => kind === 'self').length > 1) throw invalidItem(list, 'at most one "_self_"');
  const named = items.filter((item): item is ConfigItem => item.kind !== 'self');
  const firstOverride = named.findIndex(({ isOverride }) => isOverride);
  const late = named.slice(Math.max(0, firstOverride)).find(({ isOverride }) => !isOverride);
  if (firstOverride >= 0 && late !== undefined)
    throw invalidFile(late.at, 'overrides only at the end of the list', 'an item after an override');
  return items;
}

/** Without `_self_` the file's own values come last, so that they win. */
function withSelf(items: DefaultsItem[]): DefaultsItem[] {
  if (items.some(({ kind }) => kind === 'self')) return items;
  const end = items.findIndex((item) => item.kind !== 'self' && item.isOverride);
  return items.toSpliced(end < 0 ? items.length : end, 0, { kind: 'self' });
}

function readItem(node: Node): DefaultsItem {
  if (node.kind === 'scalar' && node.value === '_self_') return { kind: 'self' };
  if (node.kind === 'scalar' && typeof node.value === 'string') return configItem(node, node.value);
  const [pair, ...more] = node.kind === 'map' ? node.entries : [];
  if (pair === undefined || more.length > 0) throw invalidItem(node, SYNTAX);
  const [text, { keyAt, node: option }] = pair;
  const parsed = parseItem(node, text);
  return { ...parsed, kind: 'group', at: keyAt, options: readOptions(option) };
}

function configItem(node: Node, text: string): DefaultsItem {
  const parsed = parseItem(node, text);
  if (parsed.isOverride) throw invalidItem(node, 'a group behind "override": override /group: option');
  const [path, name] = splitPath(parsed.path);
  return { ...parsed, kind: 'config', at: node.at, path, options: [name] };
}

/** A path taken apart at its last `/`; an absolute one stays so. */
function splitPath(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [slash === 0 ? '/' : path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
}

function parseItem(node: Node, text: string) {
  const [, keyword, path, pkg] = ITEM.exec(text) ?? [];
  if (path === undefined) throw invalidItem(node, SYNTAX);
  return { path, package: pkg, isOverride: keyword === 'override', isOptional: keyword === 'optional' };
}

function readOptions(option: Node): readonly string[] | undefined {
  const value = toPlain(option);
  if (value === null) return [];
  if (value === '???') return undefined;
  const options: unknown[] = Array.isArray(value) ? value : [value];
  if (options.every((name) => typeof name === 'string' && /^[\w.-]+(?:\/[\w.-]+)*$/.test(name)))
    return options as string[];
  throw invalidItem(option, 'the name of an option, a list of names, null or ???');
}

function invalidItem(node: Node, expected: string): Cifar10Error {
  return invalidFile(node.at, expected, JSON.stringify(toPlain(node)) ?? 'nothing');
}
