// Owns writing the safetensors format (https://github.com/huggingface/safetensors#format): the same tensors and
// metadata give the same bytes, in whatever order they come. Must not know what the tensors mean.
import { Cifar10Error } from '../errors.js';
import { ITEM_SIZE_BYTES, type TensorData, tensorSizeBytes } from './tensor.js';

/** The longest header this package writes or reads. */
export const MAX_HEADER_BYTES = 1024 * 1024;

/**
 * The most tensors in it. The largest model has 7,220, which take 666 kB of header: of such entries 11,400 have room in the
 * longest one.
 */
export const MAX_TENSORS = 12_000;

/** The key of the header that holds the metadata and therefore no tensor. */
export const METADATA_KEY = '__metadata__';

/** The length of the header, a little-endian u64. */
export const PREFIX_BYTES = 8;

/**
 * The chunks of a safetensors file. The tensors' bytes are not copied.
 * Errors: `INVALID_ARGUMENT` for bytes that do not fit the shape, a reserved name, a header above 1 MiB, too
 * many tensors.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  if (tensors.size > MAX_TENSORS) throw tooLarge(`at most ${MAX_TENSORS} tensors`, String(tensors.size));
  // Wide elements first: every tensor then begins at a multiple of its element size, as readers that map files expect.
  const ordered = [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      ITEM_SIZE_BYTES[b.dtype] - ITEM_SIZE_BYTES[a.dtype] || compareText(nameA, nameB),
  );
  const sortedMetadata = Object.entries(metadata).sort(([a], [b]) => compareText(a, b));
  const entries: [string, unknown][] = [[METADATA_KEY, Object.fromEntries(sortedMetadata)]];
  let offset = 0;
  for (const [name, tensor] of ordered) {
    checkTensor(name, tensor);
    const { dtype, shape, data } = tensor;
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + data.length] }]);
    offset += data.length;
  }
  return [encodeHeader(Object.fromEntries(entries)), ...ordered.map(([, tensor]) => tensor.data)];
}

function encodeHeader(header: object): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER_BYTES)
    throw tooLarge(`a header of at most ${MAX_HEADER_BYTES} bytes`, `${length} bytes`);
  const bytes = Buffer.alloc(PREFIX_BYTES + length, ' ');
  bytes.writeBigUInt64LE(BigInt(length));
  json.copy(bytes, PREFIX_BYTES);
  return bytes;
}

function tooLarge(expected: string, found: string): Cifar10Error {
  return new Cifar10Error('INVALID_ARGUMENT', {
    what: 'the tensors and metadata cannot be encoded',
    expected,
    found,
    nextStep: 'give fewer tensors or shorter metadata',
  });
}

function checkTensor(name: string, { dtype, shape, data }: TensorData): void {
  const expected = tensorSizeBytes(dtype, shape);
  if (name !== METADATA_KEY && expected === data.length) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: `tensor "${name}" cannot be encoded`,
    expected:
      name === METADATA_KEY ? `a name other than "${METADATA_KEY}"` : `${expected} bytes for [${shape}]`,
    found: `${data.length} bytes of ${dtype}`,
    nextStep: 'give a tensor whose bytes fit its shape, under a name of its own',
  });
}

/** By code units: an order that does not depend on the user's locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
