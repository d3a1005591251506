// Owns composition as a whole: files, defaults lists and overrides in, one tree out, as Hydra 1.3 composes.
// Knows no key of this package: `KnownKeys` tells what there could be.
import { Cifar10Error } from '../../errors.js';
import { applyOverrides, type KnownKeys } from './apply.js';
import { type DefaultsItem, splitDefaults } from './defaults-list.js';
import { expandDefaults, type Layer, type Primary, ROOT_CONFIG } from './expand.js';
import { mergeMaps } from './merge.js';
import {
  describePlace,
  emptyMap,
  entryAt,
  fromPlain,
  IN_PROGRAM,
  isMissing,
  keyPaths,
  type MapNode,
  type Node,
} from './node.js';
import { type Override, parseOverride } from './override.js';
import { SearchPath } from './search-path.js';
import { readYamlFile } from './yaml-file.js';

/** What a person composes from. */
export interface Ingredients {
  /** The folders of config groups. */
  readonly folders: readonly string[];
  /** A YAML file, or its content as plain values with snake_case keys; without one, `config` of the folders. */
  readonly config: string | object | undefined;
  /** Group and value overrides in Hydra's syntax. */
  readonly overrides: readonly string[];
}

export interface Composition {
  /** References are still in it. */
  readonly tree: MapNode;
  /** The options of each group. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
}

/**
 * Composes: defaults lists first, then the values of each file in their order, then the overrides.
 * Errors: `CONFIG_*`, except those about the values themselves.
 */
export function composeTree({ folders, config, overrides }: Ingredients, known: KnownKeys): Composition {
  const path = new SearchPath(folders);
  const parsed = overrides.map(parseOverride);
  const groups = parsed.filter((override) => isOfGroup(override, path));
  const { layers, choices } = expandDefaults(path, readPrimary(config, path), groups);
  const composed = layers.reduce(
    (tree, layer) => mergeMaps(tree, placeLayer(layer), known.variants),
    emptyMap(IN_PROGRAM),
  );
  const values = parsed.filter((override) => !groups.includes(override));
  const tree = applyOverrides(composed, values, known);
  assertNothingMissing(tree);
  return { tree, choices };
}

/** A key that names a group picks an option, unless a map is given to it. */
function isOfGroup(override: Override, path: SearchPath): boolean {
  const isGroup = path.hasGroup(override.key);
  const isMap = override.value?.kind === 'value' && override.value.node.kind === 'map';
  if (isGroup && !isMap) return true;
  if (!override.key.includes('/') && override.package === undefined) return false;
  throw path.unknownOption(override.key, '', override.keyAt);
}

/**
 * The user's own config stands on the root config: `config` comes first, without the groups that the user's list picks,
 * unless the list names it itself.
 */
function readPrimary(config: string | object | undefined, path: SearchPath): Primary {
  const root = {
    kind: 'config',
    at: IN_PROGRAM,
    path: '/',
    options: [ROOT_CONFIG],
    package: undefined,
  } as const;
  const rootItem = { ...root, isOverride: false, isOptional: false };
  if (config === undefined)
    return { items: [rootItem], values: emptyMap(IN_PROGRAM), isByHand: false, replacesInRoot: new Set() };
  const tree =
    typeof config === 'string' ? readYamlFile(config).root : (fromPlain(config, IN_PROGRAM) as MapNode);
  const { items, values } = splitDefaults(tree);
  const namesRoot = items.some((item) => isNamed(item, ROOT_CONFIG));
  const picked = items.flatMap((item) =>
    item.kind === 'group' && !item.isOverride ? [item.path.replace(/^\//, '')] : [],
  );
  for (const group of picked) if (!path.hasGroup(group)) throwUnknownGroup(path, items, group);
  return namesRoot
    ? { items, values, isByHand: true, replacesInRoot: new Set() }
    : { items: [rootItem, ...items], values, isByHand: true, replacesInRoot: new Set(picked) };
}

function isNamed(item: DefaultsItem, name: string): boolean {
  return item.kind === 'config' && item.path.replace(/^\//, '') === '' && item.options?.[0] === name;
}

function throwUnknownGroup(path: SearchPath, items: readonly DefaultsItem[], group: string): void {
  const item = items.find((other) => other.kind === 'group' && other.path.replace(/^\//, '') === group);
  if (item?.kind === 'group' && !item.isOptional) throw path.unknownOption(group, '', item.at);
}

/** The file's values as a tree from the root. */
function placeLayer({ package: pkg, values }: Layer): MapNode {
  const names = pkg === '' ? [] : pkg.split('.');
  return names.reduceRight<MapNode>(
    (node, name) => ({ ...emptyMap(values.at), entries: new Map([[name, { keyAt: values.at, node }]]) }),
    values,
  );
}

function assertNothingMissing(tree: MapNode): void {
  const nodes = keyPaths(tree).map((key) => [key, entryAt(tree, key.split('.'))?.node as Node] as const);
  const [first, ...more] = nodes.filter(([, node]) => isMissing(node));
  if (first === undefined) return;
  const [key, node] = first;
  const others = more.length === 0 ? '' : `, and so must ${more.map(([name]) => `"${name}"`).join(', ')}`;
  throw new Cifar10Error('CONFIG_VALUE_MISSING', {
    what: `"${key}" must be given (${describePlace(node.at)})${others}`,
    expected: 'a value',
    found: '???',
    nextStep: `add ${key}=<value>, or set it in the config file`,
  });
}
