// Owns reading the safetensors format from bytes nobody vouches for: whatever does not follow the format to the
// letter is rejected before a tensor is made. Must not run or interpret what the file holds.
import { Cifar10Error } from '../errors.js';
import { findDuplicateKey } from './duplicate-keys.js';
import { MAX_HEADER_BYTES, METADATA_KEY, PREFIX_BYTES } from './safetensors-encode.js';
import { type Dtype, ITEM_SIZE_BYTES, isDtype, type TensorData, tensorSizeBytes } from './tensor.js';

export interface SafetensorsContent {
  /** In the order of the data. */
  readonly tensors: Map<string, TensorData>;
  readonly metadata: Record<string, string>;
}

/**
 * Parses a whole safetensors file. The tensors are views of `bytes` where the alignment allows, else copies.
 * `source` names the data in errors, `nextStep` says what mends it. Errors: `CHECKPOINT_INVALID`.
 */
export function parseSafetensors(
  bytes: Uint8Array,
  source = 'the safetensors data',
  nextStep = 'copy the file again, or train a new checkpoint',
): SafetensorsContent {
  try {
    const headerBytes = readHeaderBytes(bytes);
    const { [METADATA_KEY]: metadata = {}, ...entries } = parseHeader(headerBytes);
    const data = bytes.subarray(PREFIX_BYTES + headerBytes.length);
    const spans = Object.entries(entries).map(([name, entry]) => readSpan(name, entry));
    const ordered = spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
    checkLayout(ordered, data.length);
    return {
      tensors: new Map(ordered.map((span) => [span.name, toTensor(span, data)])),
      metadata: checkMetadata(metadata),
    };
  } catch (error) {
    if (!(error instanceof FormatViolation)) throw error;
    throw new Cifar10Error('CHECKPOINT_INVALID', {
      what: `${source} is not a valid safetensors file`,
      expected: error.expected,
      found: error.found,
      nextStep,
    });
  }
}

interface Span {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What broke the format; never leaves this file. */
class FormatViolation extends Error {
  constructor(
    readonly expected: string,
    readonly found: string,
  ) {
    super(`expected ${expected}, found ${found}`);
  }
}

function readHeaderBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length < PREFIX_BYTES)
    throw new FormatViolation(`at least ${PREFIX_BYTES} bytes`, `${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES)
    throw new FormatViolation(`a header of at most ${MAX_HEADER_BYTES} bytes`, `a header of ${length} bytes`);
  const end = PREFIX_BYTES + Number(length);
  if (end > bytes.length)
    throw new FormatViolation(`${end} bytes up to the end of the header`, `${bytes.length} bytes`);
  return bytes.subarray(PREFIX_BYTES, end);
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== '{'.charCodeAt(0))
    throw new FormatViolation('a header that begins with "{"', `first byte ${bytes[0] ?? 'missing'}`);
  const text = attempt('a header in UTF-8', () => new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  const header = attempt('a header in JSON', () => JSON.parse(text) as Record<string, unknown>);
  const duplicate = findDuplicateKey(text);
  if (duplicate !== undefined) throw new FormatViolation('unique names', `"${duplicate}" twice`);
  return header;
}

function attempt<Result>(expected: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    throw new FormatViolation(expected, (error as Error).message);
  }
}

function readSpan(name: string, entry: unknown): Span {
  const { dtype, shape, data_offsets: offsets, ...rest } = (entry ?? {}) as Record<string, unknown>;
  if (!isDtype(dtype))
    throw new FormatViolation(
      `"${name}" to have a dtype of ${Object.keys(ITEM_SIZE_BYTES).join(', ')}`,
      describe(dtype),
    );
  if (!isCounts(shape)) throw new FormatViolation(`"${name}" to have a shape of integers`, describe(shape));
  if (!isCounts(offsets) || offsets.length !== 2)
    throw new FormatViolation(`"${name}" to have two data_offsets`, describe(offsets));
  if (Object.keys(rest).length > 0)
    throw new FormatViolation(`"${name}" to have dtype, shape and data_offsets`, `also ${Object.keys(rest)}`);
  const [begin, end] = offsets as [number, number];
  const sizeBytes = tensorSizeBytes(dtype, shape);
  if (sizeBytes !== end - begin)
    throw new FormatViolation(
      `"${name}" of ${dtype} [${shape}] to take ${sizeBytes ?? 'at most 2^53 - 1'} bytes`,
      `offsets ${begin} to ${end}`,
    );
  return { name, dtype, shape, begin, end };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Every byte of the data belongs to one tensor. */
function checkLayout(spans: readonly Span[], dataLength: number): void {
  let end = 0;
  for (const span of spans) {
    if (span.begin !== end)
      throw new FormatViolation(
        `"${span.name}" to begin at byte ${end}, where the tensor before it ends`,
        `${span.begin < end ? 'an overlap' : 'a hole'}, byte ${span.begin}`,
      );
    end = span.end;
  }
  if (end !== dataLength) throw new FormatViolation(`${end} bytes of data`, `${dataLength} bytes`);
}

function toTensor({ dtype, shape, begin, end }: Span, data: Uint8Array): TensorData {
  const isAligned = (data.byteOffset + begin) % ITEM_SIZE_BYTES[dtype] === 0;
  const view = new Uint8Array(data.buffer, data.byteOffset + begin, end - begin);
  return { dtype, shape, data: isAligned ? view : view.slice() };
}

function checkMetadata(metadata: unknown): Record<string, string> {
  const isStringMap =
    typeof metadata === 'object' &&
    metadata !== null &&
    !Array.isArray(metadata) &&
    Object.values(metadata).every((value) => typeof value === 'string');
  if (!isStringMap)
    throw new FormatViolation(`"${METADATA_KEY}" to map strings to strings`, describe(metadata));
  return metadata as Record<string, string>;
}

function describe(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}
