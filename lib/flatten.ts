// Owns the flat form of a tree: every value under its path.

/** A list is one value. */
export function flatten(value: unknown, path = ''): [path: string, value: unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, item]) => flatten(item, path === '' ? key : `${path}.${key}`));
}
