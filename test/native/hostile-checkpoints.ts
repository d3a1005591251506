// Owns the corpus of checkpoints that lie, each a whole file made from a good one, with the hash that belongs to it: whoever
// wants to deceive computes that anew.
import { sealChunks, UNKNOWN_HASH } from '../../lib/checkpoint/content-hash.js';
import type { TrainingProgress } from '../../lib/checkpoint/index.js';

type Entry = { dtype: string; shape: unknown; data_offsets: unknown };
export type Header = Record<string, unknown> & { __metadata__: Record<string, string> };

const PREFIX_BYTES = 8;

export function splitFile(file: Buffer): { header: Header; data: Buffer } {
  const end = PREFIX_BYTES + Number(file.readBigUInt64LE());
  return {
    header: JSON.parse(file.subarray(PREFIX_BYTES, end).toString()) as Header,
    data: file.subarray(end),
  };
}

/** A file of this header, as an object or as text, and this data. */
export async function makeFile(header: Header | string, data: Uint8Array): Promise<Buffer> {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const open = text.replace(/("content_sha256":")[0-9a-f]{64}/, `$1${UNKNOWN_HASH}`);
  const json = Buffer.from(open);
  const head = Buffer.alloc(PREFIX_BYTES + Math.ceil(json.length / 8) * 8, ' ');
  head.writeBigUInt64LE(BigInt(head.length - PREFIX_BYTES));
  json.copy(head, PREFIX_BYTES);
  await sealChunks([head, data]).catch(() => undefined); // some have no place for a hash
  return Buffer.concat([head, data]);
}

type Change = (header: Header, data: Buffer) => Header | string | { header: Header; data: Uint8Array };

/** Changes the entry of one tensor. */
const entry =
  (change: (each: Entry) => Partial<Entry> | unknown): Change =>
  (header) => ({
    ...header,
    [TENSOR]: { ...(header[TENSOR] as Entry), ...(change(header[TENSOR] as Entry) as object) },
  });

/** Changes the metadata. */
const meta =
  (change: Record<string, string | undefined>): Change =>
  (header) => ({
    ...header,
    __metadata__: Object.fromEntries(
      Object.entries({ ...header.__metadata__, ...change }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>,
  });

/** Changes the configuration in it. */
const config =
  (change: (tree: { model: object; training: object }) => unknown): Change =>
  (header) => {
    const tree = JSON.parse(header.__metadata__.config as string) as { model: object; training: object };
    return meta({ config: JSON.stringify(change(tree)) })(header, Buffer.alloc(0)) as Header;
  };

/** Of every model here: a matrix of [10,4]. */
const TENSOR = 'fc.weight';
const omit = (header: Header, name: string) =>
  Object.fromEntries(Object.entries(header).filter(([key]) => key !== name)) as Header;
const model = (change: object) => config((tree) => ({ ...tree, model: { ...tree.model, ...change } }));

const SIZE = 900_000; // of bytes, of a header that may have 1 MiB
const nested = (open: string, close: string) => {
  const count = Math.floor(SIZE / (open.length + close.length));
  return `${open.repeat(count)}1${close.repeat(count)}`;
};
const listOf = (item: string) => `[${Array(Math.floor(SIZE / (item.length + 1))).fill(item)}]`;
const namesOf = (bytes: number) =>
  Array.from({ length: bytes / 10 }, (_, i) => `"${i.toString(36)}":1`).join(',');
/** A configuration that is a good one but for what is put in front. */
const configWith =
  (more: string): Change =>
  (header, data) =>
    meta({ config: `{${more},${header.__metadata__.config?.slice(1)}` })(header, data);

/** Headers of up to a megabyte of which JSON.parse makes many: as text, or as lies about a good file. */
export const INFLATING: Readonly<Record<string, Change>> = {
  'a header of nested lists': () => `{"a":${nested('[', ']')}}`,
  'a header of nested objects': () => `{"a":${nested('{"a":', '}')}}`,
  'a header with a list of empty lists': () => `{"a":${listOf('[]')}}`,
  'a header with a list of empty objects': () => `{"a":${listOf('{}')}}`,
  'a header of short names': () => `{${namesOf(SIZE)}}`,
  'metrics of nested lists': meta({ metrics: `{"a":${nested('[', ']')}}` }),
  'a config of nested lists': configWith(`"a":${nested('[', ']')}`),
  'a config with a list of empty objects': configWith(`"a":${listOf('{}')}`),
  'a config of many keys': configWith(namesOf(SIZE / 2)),
  'a config with an endless key': configWith(`"${'x'.repeat(SIZE)}":1`),
};

/** By name. All must be refused as `CHECKPOINT_INVALID` or `CHECKPOINT_MISMATCH`. */
export const LIES: Readonly<Record<string, Change>> = {
  // what the file is
  'no format': meta({ format: undefined }),
  'another format': meta({ format: 'pt' }),
  'an earlier version': meta({ format_version: '1' }),
  'a later version': meta({ format_version: '3' }),
  'no hash': meta({ content_sha256: undefined }),
  'an empty hash': meta({ content_sha256: '' }),
  'a hash in capitals': meta({ content_sha256: 'A'.repeat(64) }),
  'a hash that is too long': meta({ content_sha256: '0'.repeat(65) }),
  'its hash twice': meta({ note: `"content_sha256":"${UNKNOWN_HASH}"`, content_sha256: undefined }),
  'no metadata': (header) => omit(header, '__metadata__'),
  'metadata with a number': (header) =>
    ({ ...header, __metadata__: { ...header.__metadata__, x: 1 } }) as unknown as Header,
  'metadata with a map': (header) => ({ ...header, __metadata__: { a: {} } }) as unknown as Header,
  'metadata that is null': (header) => ({ ...header, __metadata__: null }) as unknown as Header,

  // what it says of itself
  'no config': meta({ config: undefined }),
  'a config that is no JSON': meta({ config: '{' }),
  'a config that is a list': meta({ config: '[]' }),
  'a config that is null': meta({ config: 'null' }),
  'an empty config': meta({ config: '{}' }),
  'a config of a megabyte of brackets': meta({ config: '['.repeat(400_000) }),
  'a config with a key of no model': model({ depth: 20 }),
  'a model that does not exist': model({ name: 'gpt' }),
  'a model named as a property of objects': model({ name: '__proto__' }),
  'widths below 1': model({ widths: [0] }),
  'widths beyond any': model({ widths: [1e9] }),
  'more widths than layers': model({ widths: [4, 4] }),
  'widths as text': model({ widths: '4' }),
  'a training that does not exist': config((tree) => ({ ...tree, training: null })),
  'a constructor in the config': config((tree) => ({ ...tree, constructor: { prototype: {} } })),
  'no class names': meta({ class_names: '[]' }),
  'nine class names': meta({ class_names: JSON.stringify(Array.from('abcdefghi')) }),
  'eleven class names': meta({ class_names: JSON.stringify(Array.from('abcdefghijk')) }),
  'an empty class name': meta({ class_names: JSON.stringify(['', ...'bcdefghij']) }),
  'a class name with a control character': meta({
    class_names: JSON.stringify(['\u009b31m', ...'bcdefghij']),
  }),
  'a class name of a thousand letters': meta({
    class_names: JSON.stringify(['a'.repeat(1000), ...'bcdefghij']),
  }),
  'class names that are numbers': meta({ class_names: JSON.stringify([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) }),
  'a deviation of 0': meta({ normalization: '{"mean":[0,0,0],"std":[1,0,1]}' }),
  'a deviation below 0': meta({ normalization: '{"mean":[0,0,0],"std":[1,-1,1]}' }),
  'a deviation beyond any': meta({ normalization: '{"mean":[0,0,0],"std":[1,1e999,1]}' }),
  'a mean of two channels': meta({ normalization: '{"mean":[0,0],"std":[1,1,1]}' }),
  'a mean as text': meta({ normalization: '{"mean":["0",0,0],"std":[1,1,1]}' }),
  'metrics that are a list': meta({ metrics: '[]' }),
  'versions that are numbers': meta({ versions: '{"libtorch":2}' }),
  'progress below 0': meta({ progress: '{"step":-1}' }),
  'progress that is text': meta({ progress: '"3"' }),
  'an environment that is a list': meta({ environment: '[]' }),

  // its tensors
  'a tensor missing': (header, data) => {
    const { data_offsets: offsets } = header[TENSOR] as { data_offsets: [number, number] } & Entry;
    const rest = Object.entries(omit(header, TENSOR)).map(([name, each]) => {
      const [begin, end] = (each as { data_offsets?: [number, number] }).data_offsets ?? [0, 0];
      const length = offsets[1] - offsets[0];
      const isBehind = name !== '__metadata__' && begin >= offsets[1];
      return [name, isBehind ? { ...(each as object), data_offsets: [begin - length, end - length] } : each];
    });
    const cut = Buffer.concat([data.subarray(0, offsets[0]), data.subarray(offsets[1])]);
    return { header: Object.fromEntries(rest) as Header, data: cut };
  },
  'a tensor too many': (header) => ({ ...header, more: { dtype: 'F32', shape: [0], data_offsets: [0, 0] } }),
  'a tensor of another name': (header) =>
    ({ ...omit(header, TENSOR), 'fc.weights': header[TENSOR] as Entry }) as Header,
  'a tensor named as a path': (header) =>
    ({ ...omit(header, TENSOR), '../../fc.weight': header[TENSOR] as Entry }) as Header,
  'a tensor named as a property of objects': (header) =>
    JSON.stringify(header).replace(`"${TENSOR}"`, '"__proto__"'),
  'another dtype of the same size': entry(() => ({ dtype: 'I32' })),
  'another dtype, half as many': entry(() => ({ dtype: 'F64', shape: [10, 2] })),
  'half precision, twice as many': entry(() => ({ dtype: 'BF16', shape: [10, 8] })),
  'a dtype that does not exist': entry(() => ({ dtype: 'F33' })),
  'a dtype that is a list': entry(() => ({ dtype: ['F32'] })),
  'a transposed shape': entry(() => ({ shape: [4, 10] })),
  'a flat shape': entry(() => ({ shape: [40] })),
  'a shape with a side too many': entry(() => ({ shape: [10, 4, 1] })),
  'a shape without sides': entry(() => ({ shape: [] })),
  'a shape that is text': entry(() => ({ shape: '10,4' })),
  'a side below 0': entry(() => ({ shape: [-10, -4] })),
  'a side that is no integer': entry(() => ({ shape: [2.5, 16] })),
  'sides beyond any memory': entry(() => ({ shape: [2 ** 40, 2 ** 40] })),
  'sides whose product wraps around': entry(() => ({ shape: [2 ** 31, 2 ** 31, 4] })),
  'offsets beyond the file': entry(() => ({ data_offsets: [0, 2 ** 50] })),
  'offsets that end before they begin': entry(() => ({ data_offsets: [160, 0] })),
  'offsets below 0': entry(() => ({ data_offsets: [-160, 0] })),
  'three offsets': entry(() => ({ data_offsets: [0, 160, 160] })),
  'offsets of another tensor': (header) => ({
    ...header,
    [TENSOR]: { ...(header[TENSOR] as Entry), data_offsets: (header['fc.bias'] as Entry).data_offsets },
  }),
  'a field too many': entry(() => ({ strides: [4, 1] })),
  'an entry that is null': (header) => ({ ...header, [TENSOR]: null }) as unknown as Header,
  'ten thousand empty tensors': (header) => ({
    ...header,
    ...Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`t${i}`, { dtype: 'F32', shape: [0], data_offsets: [0, 0] }]),
    ),
  }),
  'a byte too many': (header, data) => ({ header, data: Buffer.concat([data, Buffer.alloc(1)]) }),
  'a byte too few': (header, data) => ({ header, data: data.subarray(0, -1) }),
  'no data': (header) => ({ header, data: Buffer.alloc(0) }),

  // its header
  'a header above a megabyte': meta({ note: 'x'.repeat(2 ** 20) }),
  'a header that is a list': () => '[]',
  'an empty header': () => '{}',
  'a name twice': (header) =>
    `{"fc.bias":${JSON.stringify(header['fc.bias'])},${JSON.stringify(header).slice(1)}`,
  ...INFLATING,
  'a comment in the header': (header) => `{/**/${JSON.stringify(header).slice(1)}`,
  'something behind the header': (header) => `${JSON.stringify(header)}{}`,
};

const totals =
  (change: Partial<TrainingProgress['epochTotals']>) =>
  ({ epochTotals }: TrainingProgress) => ({ epochTotals: { ...epochTotals, ...change } });
const judged = (epoch: number, staleLooks: number, value: number | null = 1) => ({
  value,
  epoch,
  staleLooks,
});

/** About where a training stands, in a state of step 12 of 8 an epoch, 4 in the second: changes of its progress. */
export const PROGRESS_LIES: Readonly<Record<string, (progress: TrainingProgress) => object>> = {
  'more right answers than images': totals({ accuracy: 1e9 }),
  'one right answer more than images': ({ epochTotals }) =>
    totals({ accuracy: epochTotals.images + 1 })({ epochTotals } as TrainingProgress),
  'fewer right answers than none': totals({ accuracy: -1 }),
  'a loss below 0': totals({ loss: -1e300 }),
  'a loss a little below 0': totals({ loss: -1 }),
  'a loss of text': () => ({ epochTotals: 'much' }),
  'an epoch without time': () => ({ trainSeconds: 0 }),
  'time below 0': () => ({ trainSeconds: -1 }),
  'an epoch of time below 0': totals({ seconds: -1 }),
  'an epoch that took longer than the training': totals({ seconds: 1e9 }),
  'more steps in the epoch than in all': totals({ steps: 13 }),
  'more images in the epoch than in all': totals({ images: 1e9 }),
  'fewer images than steps': totals({ images: 1 }),
  'steps without images': totals({ images: 0, loss: 0, accuracy: 0 }),
  'images without steps': totals({ steps: 0 }),
  'fewer images in all than steps': () => ({ trainedImages: 11 }),
  'steps that are no integer': () => ({ step: 12.5 }),
  'steps beyond all integers': () => ({ step: 2 ** 60 }),
  'a best epoch that has not ended': () => ({ best: judged(3, 0) }),
  'a best epoch of another training': () => ({ stopping: judged(77, 0) }),
  'more looks than epochs': () => ({ stopping: judged(1, 9e15) }),
  'looks that are no integer': () => ({ stopping: judged(1, 0.5) }),
  'looks below 0': () => ({ stopping: judged(1, -1) }),
  'a best epoch without a figure': () => ({ best: judged(1, 0, null) }),
  'a figure of no epoch': () => ({ best: judged(0, 0) }),
  'an early end that nothing brought about': () => ({ hasEndedEarly: true }),
};
