// Owns the step from a plain snake_case tree to a `Config`, and the errors that name keys as YAML spells them and the
// place where they stand. Must not read files or fill in values.
import type { z } from 'zod';
import { Cifar10Error, type ErrorDetails } from '../errors.js';
import { describePlace, entryAt, type MapNode } from './composition/index.js';
import { type CamelCased, isTree, type Tree, toCamel } from './keys.js';
import { nearestKey } from './nearest-key.js';
import { listGroups } from './packaged.js';
import { configSchema, type SnakeConfig, VARIANT_PATHS } from './schema/index.js';
import { validKeys } from './schema-keys.js';

const NOTHING = 'nothing';

type Checked = CamelCased<SnakeConfig>;

/**
 * A resolved and validated configuration, deeply frozen. Its names are those of YAML in camelCase:
 * `data_loading.batch_size` there is `dataLoading.batchSize` here. `docs/configuration-keys.md` lists all keys.
 *
 * @category Configuration
 */
export interface Config {
  /** The dataset, its batches, augmentation and validation split. */
  readonly dataLoading: Checked['dataLoading'];
  /** The net; its `name` decides which other keys it has. */
  readonly model: Checked['model'];
  /** Optimizer, schedule and length, precision and threads. */
  readonly training: Checked['training'];
  /** A run writes to `<outputDir>/<date>/<time>`. */
  readonly outputDir: string;
}

/**
 * Validates a plain snake_case tree, as composed from YAML or stored in a checkpoint. `source`: the same with places.
 * Errors: `CONFIG_UNKNOWN_KEY`, `CONFIG_INVALID_VALUE`.
 */
export function parseConfig(tree: unknown, source?: MapNode): Config {
  const result = configSchema.safeParse(tree);
  if (result.success) return deepFreeze(toCamel(result.data));
  const { issues } = result.error;
  const unknownKeys = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key].join('.')) : [],
  );
  throw unknownKeys.length > 0
    ? unknownKeyError(unknownKeys, tree, source)
    : invalidValueError(issues, tree, source);
}

function unknownKeyError(unknownKeys: readonly string[], tree: unknown, source?: MapNode): Cifar10Error {
  const [key = ''] = unknownKeys;
  const parent = parentOf(key);
  const valid = validKeys((path) => valueAt(tree, [...path.split('.'), 'name']));
  return new Cifar10Error('CONFIG_UNKNOWN_KEY', {
    what: `"${key}" is not a key of ${describeParent(parent, tree)}${placeOf(source, key, 'key')}`,
    expected: `one of ${valid.filter((path) => parentOf(path) === parent).join(', ')}`,
    found: unknownKeys.map((unknownKey) => `"${unknownKey}"`).join(', '),
    nextStep: changedVariant(parent, source) ?? adviseKey(key, valid),
  });
}

function adviseKey(key: string, valid: readonly string[]): string {
  const nearest = nearestKey(key, [...valid, ...listGroups()]);
  if (nearest === undefined) return 'see `npx cifar10-torch config keys` for all keys';
  return valid.includes(nearest)
    ? `use the nearest valid key, "${nearest}"`
    : `pick an option of the nearest group, +${nearest}=<option>`;
}

/** Another name alone leaves the keys of the old one: the advice is then about the name, not about the key. */
function changedVariant(parent: string, source?: MapNode): string | undefined {
  const name = source && entryAt(source, [...parent.split('.'), 'name'])?.node;
  const isGiven =
    VARIANT_PATHS.has(parent) && name?.at.kind === 'override' && name.at.text.includes('.name=');
  if (!isGiven || name?.at.kind !== 'override') return undefined;
  return `give the whole map, ${parent}={name: …, …}, in place of "${name.at.text}", or pick an option of the group`;
}

/** ` (my.yaml:3:7)`; empty where nobody wrote the key. */
function placeOf(source: MapNode | undefined, key: string, part: 'key' | 'value'): string {
  const entry = source && entryAt(source, key.split('.'));
  const place = part === 'key' ? entry?.keyAt : entry?.node.at;
  return place === undefined || place.kind === 'program' ? '' : ` (${describePlace(place)})`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}

function describeParent(parent: string, tree: unknown): string {
  if (parent === '') return 'the configuration';
  const name = VARIANT_PATHS.has(parent) ? valueAt(tree, [...parent.split('.'), 'name']) : undefined;
  return name === undefined ? `"${parent}"` : `${parent.split('.').at(-1)} ${name}`;
}

interface Problem {
  readonly key: string;
  readonly place: string;
  readonly expected: string;
  readonly found: string;
}

function invalidValueError(
  issues: readonly z.core.$ZodIssue[],
  tree: unknown,
  source?: MapNode,
): Cifar10Error {
  const problems = new Map<string, Problem>();
  for (const { path, message } of issues) {
    const key = path.join('.');
    const found = describeValue(valueAt(tree, path));
    problems.set(key, { key, place: placeOf(source, key, 'value'), expected: message, found });
  }
  const nextStep = [...problems.values()].some(({ found }) => found === NOTHING)
    ? 'set what is missing, or pick a complete option of its group'
    : 'correct the value in the config file or the override';
  return new Cifar10Error('CONFIG_INVALID_VALUE', { ...describeProblems([...problems.values()]), nextStep });
}

function describeProblems(problems: readonly Problem[]): Omit<ErrorDetails, 'nextStep'> {
  const [first, ...more] = problems;
  if (first !== undefined && more.length === 0)
    return { what: `config key "${first.key}"${first.place}`, expected: first.expected, found: first.found };
  const parts = problems.map(
    ({ key, place, expected, found }) => `"${key}"${place} expected ${expected}, found ${found}`,
  );
  return { what: `${problems.length} config values are invalid: ${parts.join('; ')}` };
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Tree)[String(key)] : undefined),
    tree,
  );
}

function describeValue(value: unknown): string {
  if (value === undefined) return NOTHING;
  const text =
    isTree(value) || typeof value === 'string' || Array.isArray(value)
      ? JSON.stringify(value)
      : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) deepFreeze(item);
  return Object.freeze(value);
}
