// Owns the groups of conf/ (one folder each), their options (one file each) and the `defaults:` list that
// picks them. Must not know the keys inside an option.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { Cifar10Error } from '../errors.js';
import { PACKAGE_ROOT } from '../package-root.js';
import { isTree, type Tree } from './keys.js';
import { invalidFile, readYamlMap } from './yaml-file.js';

const CONF = join(PACKAGE_ROOT, 'conf');

/** The option picked for each group: group name to option name. */
export type Picks = Readonly<Record<string, string>>;

/** A config file taken apart: its picks and its own values. */
export interface ConfigFile {
  readonly picks: Picks;
  readonly values: Tree;
}

/** The names of the config groups, sorted. */
export function listGroups(): string[] {
  const entries = readdirSync(CONF, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** The names of the options of a group, sorted. Errors: `CONFIG_UNKNOWN_OPTION` for an unknown group. */
export function listOptions(group: string): string[] {
  const groups = listGroups();
  if (!groups.includes(group)) throw unknownOption(`config group "${group}"`, group, groups);
  const files = readdirSync(join(CONF, group)).filter((name) => name.endsWith('.yaml'));
  return files.map((name) => name.slice(0, -'.yaml'.length)).sort();
}

/**
 * One option: its values, and what its `defaults:` list says of other groups (`override /group: option`), which
 * holds unless that group is picked elsewhere.
 * Errors: `CONFIG_UNKNOWN_OPTION`, which lists the options and names the nearest.
 */
export function readOption(group: string, option: string): ConfigFile {
  const options = listOptions(group);
  if (!options.includes(option)) throw unknownOption(`option "${option}" of "${group}"`, option, options);
  return readConfigFile(join(CONF, group, `${option}.yaml`));
}

/** The root of the configuration, conf/config.yaml. */
export function readRootFile(): ConfigFile {
  return readConfigFile(join(CONF, 'config.yaml'));
}

/**
 * Reads a config file with an optional `defaults:` list.
 * Errors: `CONFIG_FILE_NOT_FOUND`, `CONFIG_FILE_INVALID`, `CONFIG_UNKNOWN_OPTION` for a group that does not exist.
 */
export function readConfigFile(path: string): ConfigFile {
  const { defaults, ...values } = readYamlMap(path);
  return { picks: Object.fromEntries(readDefaults(path, defaults ?? [])), values };
}

function readDefaults(path: string, defaults: unknown): [group: string, option: string][] {
  if (!Array.isArray(defaults)) throw invalidFile(path, 'a list under "defaults"', JSON.stringify(defaults));
  const items = defaults.at(-1) === '_self_' ? defaults.slice(0, -1) : defaults;
  return items.map((item: unknown) => {
    const [pair, ...more] = isTree(item) ? Object.entries(item) : [];
    if (pair === undefined || more.length > 0 || typeof pair[1] !== 'string')
      throw invalidFile(
        path,
        '"defaults" to hold items "group: option" and at most one "_self_", the last',
        JSON.stringify(item),
      );
    const group = pair[0].replace(/^override \//, '');
    listOptions(group);
    return [group, pair[1]];
  });
}

function unknownOption(what: string, name: string, valid: readonly string[]): Cifar10Error {
  return new Cifar10Error('CONFIG_UNKNOWN_OPTION', {
    what: `${what} does not exist`,
    expected: `one of ${valid.join(', ')}`,
    found: `"${name}"`,
    nextStep: `use the nearest, "${closest(name, valid)}", or another one of the list`,
  });
}
