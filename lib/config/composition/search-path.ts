// Owns where configs are found by name: folders of YAML files, one folder a group, one file an option.
// Must not know what is in a file.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { Cifar10Error, systemCode } from '../../errors.js';
import { describePlace, type Place } from './node.js';
import { readYamlFile, type YamlFile } from './yaml-file.js';

const EXTENSION = '.yaml';
/** Of groups in groups. */
const MAX_DEPTH = 4;

interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly path: string;
}

/** The folders that configs are looked up in; each config is in one of them only. */
export class SearchPath {
  readonly #folders: readonly string[];
  readonly #files = new Map<string, YamlFile>();
  readonly #listings = new Map<string, readonly FolderEntry[]>();

  constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** Whether a folder of that name is there: `model`, `training/optimizer`. */
  hasGroup(group: string): boolean {
    const { folder, name } = splitPath(group);
    return this.#entries(folder).some((entry) => entry.isFolder && entry.name === name);
  }

  /** All groups, sorted; those in groups are named by their path. */
  groups(below = '', depth = MAX_DEPTH): string[] {
    const names = this.#entries(below).filter(({ name, isFolder }) => isFolder && !name.startsWith('.'));
    const groups = [...new Set(names.map(({ name }) => (below === '' ? name : `${below}/${name}`)))];
    return groups.flatMap((group) => [group, ...(depth > 1 ? this.groups(group, depth - 1) : [])]).sort();
  }

  /** The names of the options of a group, sorted. */
  options(group: string): string[] {
    const files = this.#entries(group).filter(({ name, isFolder }) => !isFolder && name.endsWith(EXTENSION));
    return [...new Set(files.map(({ name }) => name.slice(0, -EXTENSION.length)))].sort();
  }

  /** The config of that path (`model/fast`, `config`); undefined if there is none. Errors: `CONFIG_FILE_INVALID`. */
  find(path: string): YamlFile | undefined {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const { folder, name } = splitPath(`${path}${EXTENSION}`);
    const found = this.#entries(folder).filter((entry) => !entry.isFolder && entry.name === name);
    const [first, second] = found.map((entry) => entry.path);
    if (first === undefined) return undefined;
    // A folder of the user's may have a root config of its own, as with Hydra: ours comes first.
    if (second !== undefined && folder !== '') throw ambiguous(path, first, second);
    const file = readYamlFile(first);
    this.#files.set(path, file);
    return file;
  }

  /** The error for a config of a group that is not there; lists the options and names the nearest. */
  unknownOption(group: string, option: string, at: Place): Cifar10Error {
    const options = this.options(group);
    const isGroup = options.length > 0 && option !== '';
    const valid = isGroup ? options : this.groups();
    const name = isGroup ? option : group;
    const what = isGroup ? `option "${option}" of "${group}"` : `config group "${group}" with options`;
    if (group === '') return noConfig(option, options, at);
    const nearest = valid.length === 0 ? undefined : closest(name, valid);
    return new Cifar10Error('CONFIG_UNKNOWN_OPTION', {
      what: `${what} does not exist (${describePlace(at)})`,
      expected: valid.length === 0 ? 'a group that exists' : `one of ${valid.join(', ')}`,
      found: `"${name}"`,
      nextStep: nearest
        ? `use the nearest, "${nearest}", or another one of the list`
        : 'check the config folder',
    });
  }

  #entries(below: string): readonly FolderEntry[] {
    const known = this.#listings.get(below);
    if (known !== undefined) return known;
    const entries = this.#list(below);
    this.#listings.set(below, entries);
    return entries;
  }

  #list(below: string): FolderEntry[] {
    // A group is what a listing shows, so that no name leads out of the folders.
    if (below.split('/').includes('..')) return [];
    return this.#folders.flatMap((root) => {
      const folder = join(root, below);
      const entries = listFolder(folder, below === '');
      return entries.map((entry) => ({
        name: entry.name,
        isFolder: entry.isDirectory() || (entry.isSymbolicLink() && isFolder(join(folder, entry.name))),
        path: join(folder, entry.name),
      }));
    });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function listFolder(folder: string, mustExist: boolean) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (!mustExist) return []; // what cannot be looked into has no configs
    throw new Cifar10Error('CONFIG_FILE_NOT_FOUND', {
      what: `config folder "${folder}" cannot be read`,
      expected: 'a folder with a folder for each group',
      found: systemCode(error) ?? String(error),
      nextStep: 'check the path given as the config folder',
      cause: error,
    });
  }
}

function noConfig(name: string, valid: readonly string[], at: Place): Cifar10Error {
  return new Cifar10Error('CONFIG_UNKNOWN_OPTION', {
    what: `config "${name}" does not exist (${describePlace(at)})`,
    expected: `one of ${valid.join(', ')}, or group/option`,
    found: `"${name}"`,
    nextStep: 'correct the path',
  });
}

/** A path taken apart at its last `/`. */
function splitPath(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { folder: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}

function ambiguous(path: string, first: string, second: string): Cifar10Error {
  return new Cifar10Error('CONFIG_FILE_INVALID', {
    what: `config "${path}" is there twice`,
    expected: 'one file of that name',
    found: `"${first}" and "${second}"`,
    nextStep: 'rename the one in your config folder',
  });
}
