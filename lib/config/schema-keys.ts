// Owns the list of all keys, read off the schema: path, range, meaning. Must not know any key by name.
import { z } from 'zod';
import { configSchema } from './schema/index.js';

/**
 * One key of the configuration, a value or a map.
 *
 * @category Configuration
 */
export interface KeyInfo {
  /** With the names of YAML: `training.optimizer.lr`. */
  readonly path: string;
  /** What it may be, in the words of the error for anything else. */
  readonly expected: string;
  /** What it means, in a few words. */
  readonly description: string;
  /** The values it may have where they can be listed; else empty. */
  readonly values: readonly (string | number | boolean)[];
  /** Whether it holds other keys. */
  readonly isMap: boolean;
  /** The key is there only if each of these maps has this `name`: `[['training.optimizer', 'muon']]`. */
  readonly variants: readonly (readonly [path: string, name: string])[];
}

let known: readonly KeyInfo[] | undefined;

/** All keys of all variants, in the order of the schema. */
export function listKeys(): readonly KeyInfo[] {
  known ??= keysOf(configSchema, '', []);
  return known;
}

/** The paths of the keys that a tree may have, given the names that its variants have in it. */
export function validKeys(nameAt: (path: string) => unknown): string[] {
  const isThere = ({ variants }: KeyInfo) => variants.every(([path, name]) => nameAt(path) === name);
  return [
    ...new Set(
      listKeys()
        .filter(isThere)
        .map(({ path }) => path),
    ),
  ];
}

type Variants = KeyInfo['variants'];

function keysOf(schema: z.ZodType, path: string, variants: Variants): KeyInfo[] {
  if (schema instanceof z.ZodDiscriminatedUnion)
    return (schema.options as z.ZodObject[]).flatMap((option) =>
      keysOf(option, path, [...variants, [path, nameOf(option)] as const]),
    );
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, value]) => {
    const keyPath = path === '' ? key : `${path}.${key}`;
    return [describeKey(value, keyPath, variants), ...keysOf(value, keyPath, variants)];
  });
}

function describeKey(schema: z.ZodType, path: string, variants: Variants): KeyInfo {
  const isMap = schema instanceof z.ZodObject || schema instanceof z.ZodDiscriminatedUnion;
  // Every message of a value is its expectation; undefined is wrong for all of them.
  const expected = schema.safeParse(undefined).error?.issues[0]?.message ?? '';
  return { path, expected, description: schema.description ?? '', values: valuesOf(schema), isMap, variants };
}

function valuesOf(schema: z.ZodType): (string | number | boolean)[] {
  if (schema instanceof z.ZodBoolean) return [true, false];
  if (schema instanceof z.ZodEnum) return schema.options as string[];
  if (schema instanceof z.ZodUnion) return (schema.options as z.ZodType[]).flatMap(valuesOf);
  return schema instanceof z.ZodLiteral ? ([...schema.values] as (string | number)[]) : [];
}

/** The `name` that picks this option of a union. */
function nameOf(option: z.ZodObject): string {
  const [name] = (option.shape.name as z.ZodLiteral<string>).values;
  return name as string;
}
