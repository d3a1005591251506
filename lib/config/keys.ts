// Owns the one mapping between the names in YAML (snake_case) and in TypeScript (camelCase).
// Must not know any key by name.

/**
 * A plain map of the configuration, as YAML or JSON gives it.
 *
 * @category Configuration
 */
export type Tree = { readonly [key: string]: unknown };

type CamelCase<Key extends string> = Key extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Key;

/** The type `Value` with the keys of all its maps in camelCase and read-only at every depth. */
export type CamelCased<Value> = Value extends readonly unknown[]
  ? Readonly<Value>
  : Value extends object
    ? { readonly [Key in keyof Value as CamelCase<Key & string>]: CamelCased<Value[Key]> }
    : Value;

/** Whether the value is a map: a plain object, neither a list nor one of a class such as `Date`. */
export function isTree(value: unknown): value is Tree {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function renameKeys(value: unknown, rename: (key: string) => string): unknown {
  if (!isTree(value)) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [rename(key), renameKeys(item, rename)]));
}

/** The tree with camelCase keys. */
export function toCamel<Value extends Tree>(tree: Value): CamelCased<Value> {
  const camel = (key: string) => key.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
  return renameKeys(tree, camel) as CamelCased<Value>;
}

/** The configuration with snake_case keys, as YAML files and checkpoints hold it; undefined values are left out. */
export function configToSnake(config: object): Tree {
  const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return renameKeys(config, snake) as Tree;
}
