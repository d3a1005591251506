// Owns the way from what a person wrote to a `Config`, and back to YAML. Must not write anything nor know single keys.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { PACKAGE_ROOT } from '../package-root.js';
import {
  type Composition,
  composeTree,
  entryAt,
  interpolate,
  type KnownKeys,
  type MapNode,
  SearchPath,
  type Surroundings,
  toPlain,
} from './composition/index.js';
import { type ConfigDefinition, definitionToTree } from './define.js';
import { configToSnake, type Tree } from './keys.js';
import { VARIANT_PATHS } from './schema.js';
import { validKeys } from './schema-keys.js';
import { type Config, parseConfig } from './validate.js';

const CONF = join(PACKAGE_ROOT, 'conf');

export interface LoadConfigOptions {
  /** A YAML file, or the same as an object: it picks options and sets values. */
  config?: string | ConfigDefinition | undefined;
  /** A folder with config groups of your own, beside those of this package. */
  configDir?: string | undefined;
  /** `group=option`, `a.b=value`, `+a.b=value`, `++a.b=value`, `~a.b`, applied in this order. */
  overrides?: readonly string[] | undefined;
  /** What `${oc.env:…}` reads. Default: the environment of the process. */
  env?: Surroundings['env'] | undefined;
  /** What `${now:…}` formats. Default: the moment of the call. */
  now?: Date | undefined;
}

export interface ComposedConfig {
  readonly config: Config;
  /** Plain snake_case values with references as they were written. */
  readonly unresolved: Tree;
  /** The options that were picked, by group. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
}

const KNOWN: KnownKeys = {
  variants: VARIANT_PATHS,
  validKeys: (tree) => validKeys((path) => nameAt(tree, path)),
};

/**
 * Composes and validates the configuration: conf/, then the config file, then the overrides. Deeply frozen.
 * Errors: `CONFIG_FILE_NOT_FOUND`, `CONFIG_FILE_INVALID`, `CONFIG_INVALID_OVERRIDE`, `CONFIG_UNKNOWN_OPTION`,
 * `CONFIG_UNKNOWN_KEY`, `CONFIG_INVALID_VALUE`, `CONFIG_VALUE_MISSING`, `CONFIG_INTERPOLATION`.
 */
export function loadConfig(options: LoadConfigOptions = {}): Config {
  return composeConfig(options).config;
}

/** The same with what it was made of. */
export function composeConfig(options: LoadConfigOptions = {}): ComposedConfig {
  const { tree, choices } = compose(options);
  const surroundings = { env: options.env ?? process.env, now: options.now ?? new Date() };
  const resolved = interpolate(tree, surroundings);
  const config = parseConfig(toPlain(resolved), resolved);
  return { config, unresolved: toPlain(tree) as Tree, choices };
}

function compose({ config, configDir, overrides = [] }: LoadConfigOptions): Composition {
  const primary = typeof config === 'object' ? definitionToTree(config) : config;
  return composeTree({ folders: foldersOf(configDir), config: primary, overrides }, KNOWN);
}

/** The names of the config groups, sorted. */
export function listGroups(configDir?: string): string[] {
  return new SearchPath(foldersOf(configDir)).groups();
}

/** The names of the options of a group, sorted; empty for an unknown group. */
export function listOptions(group: string, configDir?: string): string[] {
  return new SearchPath(foldersOf(configDir)).options(group);
}

function foldersOf(configDir: string | undefined): string[] {
  return configDir === undefined ? [CONF] : [CONF, configDir];
}

function nameAt(tree: MapNode, path: string): unknown {
  const name = entryAt(tree, [...path.split('.'), 'name'])?.node;
  return name?.kind === 'scalar' ? name.value : undefined;
}

/** The configuration as YAML; `loadConfig` given it as a file composes the same configuration. */
export function configToYaml(config: Config): string {
  return treeToYaml(escapeReferences(configToSnake(config)) as Tree);
}

/** A plain tree as YAML. */
export function treeToYaml(tree: Tree): string {
  return stringify(tree, { aliasDuplicateObjects: false });
}

/** A text that holds `${` is no reference any more. */
function escapeReferences(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/(\\*)\$\{/g, '$1$1\\${');
  if (Array.isArray(value)) return value.map(escapeReferences);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeReferences(item)]));
}
