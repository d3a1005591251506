// Owns the default of each key: what conf/ sets, in the default configuration or else in the option that has the key.

import { Cifar10Error } from '../errors.js';
import { isTree, type Tree } from './keys.js';
import { composeConfig, type LoadConfigOptions } from './load.js';
import { listOptions } from './packaged.js';
import { type KeyInfo, listKeys } from './schema-keys.js';

/**
 * A key and the value it has by default.
 *
 * @category Configuration
 */
export interface DocumentedKey extends KeyInfo {
  /** Undefined for a key of a variant that no option of conf/ has: it is to be given with the name. */
  readonly default: unknown;
  /** The option that sets the default, `model=cnn`; null for the configuration that was asked for. */
  readonly from: string | null;
}

/**
 * All keys that hold a value, in the order of the schema, with the values they have in the configuration that the
 * options give. A key that belongs to several variants is there once for each. Errors: as of `loadConfig`.
 *
 * @category Configuration
 */
export function documentKeys(options: LoadConfigOptions = {}): DocumentedKey[] {
  const sources = [{ from: null, tree: composeConfig(options).unresolved }, ...optionTrees(options)];
  return listKeys()
    .filter(({ isMap }) => !isMap)
    .map((key) => {
      const source = sources.find(({ tree }) => hasKey(tree, key));
      const value = source ? valueAt(source.tree, key.path) : ownName(key);
      return { ...key, default: value, from: source?.from ?? null };
    });
}

/** The default configuration with each other model, training and way to read the data. */
function optionTrees({ configDir, env, now }: LoadConfigOptions): { from: string; tree: Tree }[] {
  const picks = ['model', 'training', 'data_loading'].flatMap((group) => picksOf(group, configDir));
  return picks.flatMap(([pick, overrides]) => {
    try {
      return [{ from: pick, tree: composeConfig({ configDir, env, now, overrides }).unresolved }];
    } catch (error) {
      if (!(error instanceof Cifar10Error)) throw error;
      return []; // an option of the user's folder that is not whole by itself
    }
  });
}

/** The name of a variant that no option picks. */
function ownName({ path, variants }: KeyInfo): string | undefined {
  return variants.find(([map]) => path === `${map}.name`)?.[1];
}

/** A training may not go with the default model: it is looked at with one that takes any. */
function picksOf(group: string, configDir: string | undefined): [pick: string, overrides: string[]][] {
  return listOptions(group, configDir).map((option) => {
    const pick = `${group}=${option}`;
    return [pick, group === 'training' ? ['model=fast', pick] : [pick]];
  });
}

function hasKey(tree: Tree, { path, variants }: KeyInfo): boolean {
  return (
    variants.every(([map, name]) => valueAt(tree, `${map}.name`) === name) &&
    valueAt(tree, path) !== undefined
  );
}

function valueAt(tree: Tree, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isTree(value) ? value[key] : undefined), tree);
}
