// Owns the way from what a person wrote to a `Config`, and back to YAML. Must not write anything nor know single keys.
import { stringify } from 'yaml';
import { Cifar10Error } from '../errors.js';
import {
  type Composition,
  composeTree,
  entryAt,
  GROUPED_INTEGER,
  interpolate,
  type KnownKeys,
  type MapNode,
  toPlain,
} from './composition/index.js';
import { type ConfigDefinition, definitionToTree } from './define.js';
import { configToSnake, type Tree } from './keys.js';
import { configFolders } from './packaged.js';
import { VARIANT_PATHS } from './schema/index.js';
import { validKeys } from './schema-keys.js';
import { type Config, parseConfig } from './validate.js';

/**
 * What a configuration is composed of; without any of it, it is the default recipe. `docs/configuration.md` has the
 * syntax.
 *
 * @category Configuration
 */
export interface LoadConfigOptions {
  /**
   * The path of a YAML file, or the same as an object: it picks options and sets values, on top of the default
   * recipe.
   */
  config?: string | ConfigDefinition | undefined;
  /** A folder with config groups of your own, beside those of this package. */
  configDir?: string | undefined;
  /**
   * `group=option`, `a.b=value`, `+a.b=value`, `++a.b=value`, `~a.b`, applied in this order, with the keys of YAML:
   * `training.epochs=2`.
   */
  overrides?: readonly string[] | undefined;
  /** What `${oc.env:…}` reads. Default: the environment of the process. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What `${now:…}` formats. Default: the moment of the call. */
  now?: Date | undefined;
}

/**
 * A configuration and what it was made of.
 *
 * @category Configuration
 */
export interface ComposedConfig {
  /** Resolved, checked, frozen: as `loadConfig` returns it. */
  readonly config: Config;
  /** The same as a plain map with the keys of YAML. */
  readonly resolved: Tree;
  /** The same before references were resolved: `${…}` as it was written. */
  readonly unresolved: Tree;
  /** The options that were picked, by group, or by `group@package` where their values go elsewhere. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
}

const KNOWN: KnownKeys = {
  variants: VARIANT_PATHS,
  validKeys: (tree) => validKeys((path) => nameAt(tree, path)),
};

/**
 * Composes and validates the configuration: conf/, then the config file, then the overrides. Deeply frozen.
 * Errors: `CONFIG_FILE_NOT_FOUND`, `CONFIG_FILE_INVALID`, `CONFIG_INVALID_OVERRIDE`, `CONFIG_UNKNOWN_OPTION`,
 * `CONFIG_UNKNOWN_KEY`, `CONFIG_INVALID_VALUE`, `CONFIG_VALUE_MISSING`, `CONFIG_INTERPOLATION`; `INVALID_ARGUMENT`
 * for an option of another kind.
 *
 * @category Configuration
 */
export function loadConfig(options: LoadConfigOptions = {}): Config {
  return composeConfig(options).config;
}

/**
 * Composes and validates as `loadConfig` does, and returns what the configuration was made of, too.
 * Errors: as of `loadConfig`.
 *
 * @category Configuration
 */
export function composeConfig(options: LoadConfigOptions = {}): ComposedConfig {
  const { tree, choices } = compose(options);
  const surroundings = { env: options.env ?? process.env, now: options.now ?? new Date() };
  const resolved = interpolate(tree, surroundings);
  const config = parseConfig(toPlain(resolved), resolved);
  return { config, resolved: configToSnake(config), unresolved: toPlain(tree) as Tree, choices };
}

/** The configuration with overrides on top of it. Errors: as of `loadConfig`. */
export function overrideConfig(config: Config, options: Omit<LoadConfigOptions, 'config'>): Config {
  return loadConfig({ ...options, config: escapeReferences(config) as ConfigDefinition });
}

function compose({ config, configDir, overrides = [] }: LoadConfigOptions): Composition {
  const isList = Array.isArray(overrides) && overrides.every((override) => typeof override === 'string');
  const isConfig = config === undefined || typeof config === 'string' || typeof config === 'object';
  if (!isList || !isConfig || config === null || Array.isArray(config))
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: isList ? '"config" is of another kind' : '"overrides" is of another kind',
      expected: isList ? 'a path or an object' : 'a list of texts',
      found: JSON.stringify(isList ? config : overrides) ?? 'a function',
      nextStep: 'give one of these, or leave it out',
    });
  const primary = typeof config === 'object' ? definitionToTree(config) : config;
  return composeTree({ folders: configFolders(configDir), config: primary, overrides }, KNOWN);
}

function nameAt(tree: MapNode, path: string): unknown {
  const name = entryAt(tree, [...path.split('.'), 'name'])?.node;
  return name?.kind === 'scalar' ? name.value : undefined;
}

/**
 * The configuration as YAML; `loadConfig` given it as a file composes the same configuration.
 *
 * @category Configuration
 */
export function configToYaml(config: Config): string {
  return treeToYaml(escapeReferences(configToSnake(config)) as Tree);
}

/**
 * A plain map as YAML, such as `ComposedConfig.unresolved`.
 *
 * @category Configuration
 */
export function treeToYaml(tree: Tree): string {
  return stringify(tree, { aliasDuplicateObjects: false, customTags: (tags) => [GROUPED_INTEGER, ...tags] });
}

/** A text that holds `${` is no reference any more. */
function escapeReferences(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/(\\*)\$\{/g, '$1$1\\${');
  if (Array.isArray(value)) return value.map(escapeReferences);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeReferences(item)]));
}
