// Owns the order in which the sources of configuration are applied, and its way back to YAML.
// Must not write anything, read the environment or know single keys.
import { stringify } from 'yaml';
import { compose } from './compose.js';
import { listGroups, type Picks, readConfigFile, readOption, readRootFile } from './groups.js';
import { configToSnake, type Tree } from './keys.js';
import { parseOverrides } from './overrides.js';
import { type Config, parseConfig } from './validate.js';

type DeepPartial<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]?: DeepPartial<Value[Key]> | undefined }
    : Value;

/** Any part of a configuration. */
export type ConfigValues = DeepPartial<Config>;

export interface LoadConfigOptions {
  /** A YAML file: its `defaults:` list picks options, its other keys override values. */
  config?: string | undefined;
  /** Values to set after those of the file. */
  values?: ConfigValues | undefined;
  /** `group=option` and `a.b.c=value`, applied last; options are picked before any value is set. */
  overrides?: readonly string[] | undefined;
}

/**
 * Composes and validates the configuration: conf/, then the file, the values and the overrides. Deeply frozen.
 * Errors: `CONFIG_FILE_NOT_FOUND`, `CONFIG_FILE_INVALID`, `CONFIG_INVALID_OVERRIDE`, `CONFIG_UNKNOWN_OPTION`,
 * `CONFIG_UNKNOWN_KEY`, `CONFIG_INVALID_VALUE`.
 */
export function loadConfig(options: LoadConfigOptions = {}): Config {
  const root = readRootFile();
  const file = options.config === undefined ? { picks: {}, values: {} } : readConfigFile(options.config);
  const overrides = parseOverrides(options.overrides ?? [], listGroups());
  const groups = readPicked(root.picks, { ...file.picks, ...overrides.picks });
  const values = configToSnake(options.values ?? {});
  return parseConfig(compose([...groups, root.values, file.values, values, ...overrides.values]));
}

/** The picked options as layers; an option may override the default pick of another group, never one made by hand. */
function readPicked(defaults: Picks, byHand: Picks): Tree[] {
  const first = Object.entries({ ...defaults, ...byHand }).map(([group, option]) =>
    readOption(group, option),
  );
  const byOption = Object.assign({}, ...first.map(({ picks }) => picks)) as Picks;
  const picks = Object.entries({ ...defaults, ...byOption, ...byHand });
  return picks.map(([group, option]) => ({ [group]: readOption(group, option).values }));
}

/** The configuration as YAML; `loadConfig` given it as a file composes the same configuration. */
export function configToYaml(config: Config): string {
  return stringify(configToSnake(config), { aliasDuplicateObjects: false });
}
