// Owns composition as a whole: files, defaults lists and overrides in, one tree out, as Hydra 1.3 composes.
// Knows no key of this package: `KnownKeys` tells what there could be.
import { Cifar10Error } from '../../errors.js';
import { applyOverrides, type KnownKeys } from './apply.js';
import { type ConfigItem, type DefaultsItem, splitDefaults } from './defaults-list.js';
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
import { groupOf } from './packages.js';
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
  if (config === undefined)
    return {
      items: [ROOT_ITEM],
      values: emptyMap(IN_PROGRAM),
      package: '',
      isByHand: false,
      replacesInRoot: new Set(),
    };
  const { root, packageHeader } = typeof config === 'string' ? readYamlFile(config) : fromProgram(config);
  const { items, values } = splitDefaults(root);
  const own = { values, package: (packageHeader ?? '').replace(/^_global_\.?/, ''), isByHand: true };
  if (items.some(isRootItem)) return { ...own, items, replacesInRoot: new Set() };
  const picks = items.filter((item): item is ConfigItem => item.kind === 'group' && !item.isOverride);
  const groups = picks.map((item) => groupOf(item, { group: '', package: '' }));
  const unknown = groups.findIndex((group, index) => !picks[index]?.isOptional && !path.hasGroup(group));
  if (unknown >= 0)
    throw path.unknownOption(groups[unknown] as string, '', (picks[unknown] as ConfigItem).at);
  return { ...own, items: [ROOT_ITEM, ...items], replacesInRoot: new Set(groups) };
}

const ROOT_ITEM: ConfigItem = {
  kind: 'config',
  at: IN_PROGRAM,
  path: '/',
  options: [ROOT_CONFIG],
  package: undefined,
  isOverride: false,
  isOptional: false,
};

function isRootItem(item: DefaultsItem): boolean {
  const isAtRoot = item.kind === 'config' && (item.path === '' || item.path === '/');
  return isAtRoot && item.options?.[0] === ROOT_CONFIG;
}

function fromProgram(config: object): { root: MapNode; packageHeader: undefined } {
  const root = fromPlain(config, IN_PROGRAM);
  if (root.kind === 'map') return { root, packageHeader: undefined };
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'the configuration is no object',
    expected: 'a path, or an object with keys',
    found: `a ${root.kind}`,
    nextStep: 'give one of these',
  });
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
