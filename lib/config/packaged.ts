// Owns where configs are found by name: in this package's conf/, and in a folder of the user's beside it.
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../package-root.js';
import { SearchPath } from './composition/index.js';

const CONF = join(PACKAGE_ROOT, 'conf');

/** The folders of config groups. */
export function configFolders(configDir: string | undefined): string[] {
  return configDir === undefined ? [CONF] : [CONF, configDir];
}

/**
 * The names of the config groups as YAML has them, sorted. `configDir`: a folder with groups of your own, beside
 * those of this package. Errors: `CONFIG_FILE_NOT_FOUND` for a folder that cannot be read.
 *
 * @category Configuration
 */
export function listGroups(configDir?: string): string[] {
  return new SearchPath(configFolders(configDir)).groups();
}

/**
 * The names of the options of a group (`data_loading`, `model`, `training`, `experiment`), sorted; empty for an unknown
 * group. `configDir`: as of `listGroups`, but one that cannot be read has no options.
 *
 * @category Configuration
 */
export function listOptions(group: string, configDir?: string): string[] {
  return new SearchPath(configFolders(configDir)).options(group);
}
