// Owns how layers of configuration become one tree: maps merge, lists and scalars replace, later wins.
// Must not read files or check values.
import { isTree, type Tree } from './keys.js';
import { VARIANT_PATHS } from './schema.js';

/** One tree of all the layers, later ones winning. */
export function compose(layers: readonly Tree[]): Tree {
  return layers.reduce((base, layer) => merge(base, layer, ''), {});
}

function merge(base: Tree, over: Tree, path: string): Tree {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const before = merged.get(key);
    const keyPath = path === '' ? key : `${path}.${key}`;
    const isMerged = isTree(before) && isTree(value) && !isAnotherVariant(keyPath, before, value);
    merged.set(key, isMerged ? merge(before, value, keyPath) : value);
  }
  return Object.fromEntries(merged);
}

/** The values of one model or optimizer mean nothing to another: a new name replaces the whole map. */
function isAnotherVariant(path: string, before: Tree, value: Tree): boolean {
  return VARIANT_PATHS.has(path) && value.name !== undefined && value.name !== before.name;
}
