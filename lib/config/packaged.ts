// Owns where configs are found by name: in this package's conf/, and in a folder of the user's beside it.
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../package-root.js';
import { SearchPath } from './composition/index.js';

const CONF = join(PACKAGE_ROOT, 'conf');

/** The folders of config groups. */
export function configFolders(configDir: string | undefined): string[] {
  return configDir === undefined ? [CONF] : [CONF, configDir];
}

/** The names of the config groups, sorted. */
export function listGroups(configDir?: string): string[] {
  return new SearchPath(configFolders(configDir)).groups();
}

/** The names of the options of a group, sorted; empty for an unknown group. */
export function listOptions(group: string, configDir?: string): string[] {
  return new SearchPath(configFolders(configDir)).options(group);
}
