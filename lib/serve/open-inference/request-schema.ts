// Owns the JSON of an inference request: what may stand where. Must not look into the data of a tensor.
// What it does not name is passed over: parameters of others, the name of the model that KServe writes. Null counts as
// absent: clients in Python send it.
import { z } from 'zod';
import { describe, invalidRequest } from './invalid.js';
import { INPUT, OUTPUT_NAMES } from './protocol.js';

const isList = (value: unknown): value is unknown[] => Array.isArray(value);

/** At most `max` items: counted first, so that a long list costs nothing. */
function listOf<Item extends z.ZodType>(item: Item, max: number, error: string) {
  return z.custom<unknown[]>((value) => isList(value) && value.length <= max, error).pipe(z.array(item));
}

const objectOf = <Shape extends z.ZodRawShape>(shape: Shape, error = 'an object') => z.object(shape, error);

/** Of extensions that this server lacks: passing them over would give answers of another kind than the asked one. */
const unsupported = (extension: string) =>
  z.null(`nothing, as the server has no extension for ${extension}`).optional();
const flag = z.boolean('true or false').nullish();

const MAX_RANK = 4;
const length = z.int('a whole number from 1').min(1, 'a whole number from 1');
const byteCount = z.int('a number of bytes').min(0, 'a number of bytes');

const inputSchema = objectOf({
  name: z.literal(INPUT.name, `"${INPUT.name}"`),
  datatype: z.enum(['UINT8', 'BYTES'], '"UINT8" or "BYTES"'),
  shape: listOf(length, MAX_RANK, `a list of at most ${MAX_RANK} lengths`),
  parameters: objectOf({
    binary_data_size: byteCount.nullish(),
    content_type: z.string('a text').nullish(),
    shared_memory_region: unsupported('shared memory'),
  }).nullish(),
  data: z.custom<unknown[]>(isList, 'a list').nullish(),
});

const outputSchema = objectOf({
  name: z.enum(OUTPUT_NAMES, `one of ${OUTPUT_NAMES.map((name) => `"${name}"`).join(', ')}`),
  parameters: objectOf({
    binary_data: flag,
    classification: unsupported('classification'),
    shared_memory_region: unsupported('shared memory'),
  }).nullish(),
});

const areDistinct = (outputs: readonly { name: string }[]) =>
  new Set(outputs.map(({ name }) => name)).size === outputs.length;

const requestSchema = objectOf(
  {
    id: z.string('a text').nullish(),
    parameters: objectOf({ binary_data_output: flag }).nullish(),
    inputs: z.tuple([inputSchema], `a list of one input, "${INPUT.name}"`),
    outputs: listOf(outputSchema, OUTPUT_NAMES.length, `a list of at most ${OUTPUT_NAMES.length} outputs`)
      .refine(areDistinct, 'each output once')
      .nullish(),
  },
  'an object with "inputs"',
);

/** The JSON of an inference request. */
export type RequestJson = z.infer<typeof requestSchema>;

/** Checks a parsed text. Errors: `INVALID_ARGUMENT`. */
export function checkRequest(tree: unknown): RequestJson {
  const { success, data, error } = requestSchema.safeParse(tree);
  if (success) return data;
  const { path, message } = error.issues[0] as z.core.$ZodIssue;
  throw invalidRequest(describePath(path, tree), message, describe(valueAt(tree, path)));
}

/** `inputs[0].shape[1] (tensor "images")` */
function describePath(path: readonly PropertyKey[], tree: unknown): string {
  if (path.length === 0) return 'its JSON';
  const keys = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const name = path.length > 1 ? valueAt(tree, [...path.slice(0, 2), 'name']) : undefined;
  return keys.slice(1) + (typeof name === 'string' ? ` (tensor ${describe(name)})` : '');
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null)?.[key], tree);
}
