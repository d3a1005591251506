// Owns reading the safetensors format from bytes nobody vouches for: whatever does not follow the format to the
// letter is rejected before a tensor is made. Must not run or interpret what the file holds.
import { Cifar10Error } from '../errors.js';
import { escapeLine, quoted } from '../printable.js';
import { findFlaw, type JsonLimits } from './json-scan.js';
import { MAX_HEADER_BYTES, MAX_TENSORS, METADATA_KEY, PREFIX_BYTES } from './safetensors-encode.js';
import { ITEM_SIZE_BYTES, isDtype, type TensorData, type TensorLayout, tensorSizeBytes } from './tensor.js';

const MAX_METADATA_NAMES = 1000;
/** Room for whatever this package writes: a tensor has 4 names, its own among them, and 10 values if it has 4 sides. */
const HEADER_LIMITS: JsonLimits = {
  depth: 4,
  ownNames: MAX_TENSORS + 1,
  names: 4 * MAX_TENSORS + MAX_METADATA_NAMES,
  values: 10 * MAX_TENSORS + MAX_METADATA_NAMES,
};

/** How errors speak of the data, and what mends it. */
export interface Source {
  readonly name: string;
  readonly nextStep: string;
}

/** What stands in front of the data of a file: everything about the tensors but their bytes. */
export interface Head {
  /** By name, in the order of the data: each begins where the one before it ends. */
  readonly tensors: ReadonlyMap<string, TensorLayout>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * How many bytes the head of a file of `fileBytes` takes, by the first of them. Errors: `CHECKPOINT_INVALID`.
 */
export function headSize(prefix: Uint8Array, fileBytes: number, source: Source): number {
  return reportViolation(source, () => {
    if (prefix.length < PREFIX_BYTES)
      throw new FormatViolation(`at least ${PREFIX_BYTES} bytes`, `${prefix.length} bytes`);
    const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
    if (length > MAX_HEADER_BYTES)
      throw new FormatViolation(
        `a header of at most ${MAX_HEADER_BYTES} bytes`,
        `a header of ${length} bytes`,
      );
    const end = PREFIX_BYTES + Number(length);
    if (end > fileBytes)
      throw new FormatViolation(`${end} bytes up to the end of the header`, `${fileBytes} bytes`);
    return end;
  });
}

/** Reads the head of a file of `fileBytes`: `bytes` are as many as `headSize` says. Errors: `CHECKPOINT_INVALID`. */
export function parseHead(bytes: Uint8Array, fileBytes: number, source: Source): Head {
  return reportViolation(source, () => {
    const header = parseHeader(bytes.subarray(PREFIX_BYTES));
    const spans = readSpans(header).sort((a, b) => a.begin - b.begin || a.end - b.end);
    checkLayout(spans, fileBytes - bytes.length);
    const tensors = new Map<string, TensorLayout>();
    for (const span of spans) tensors.set(span.name, span);
    return { tensors, metadata: checkMetadata(header[METADATA_KEY] ?? {}) };
  });
}

/** Without copies of the header or of its entries, of which a file that is refused may have thousands. */
function readSpans(header: Readonly<Record<string, unknown>>): Span[] {
  const spans: Span[] = [];
  for (const name of Object.keys(header)) if (name !== METADATA_KEY) spans.push(readSpan(name, header[name]));
  return spans;
}

/** The tensors of a file, as views of its data. */
export function sliceTensors({ tensors }: Head, data: Uint8Array): Map<string, TensorData> {
  let end = 0;
  const slice = ({ dtype, shape }: TensorLayout) => {
    const begin = end;
    end += tensorSizeBytes(dtype, shape) as number;
    return { dtype, shape, data: new Uint8Array(data.buffer, data.byteOffset + begin, end - begin) };
  };
  return new Map([...tensors].map(([name, layout]) => [name, slice(layout)]));
}

/** The result of `parse`; a violation of the format as an error about the source. */
function reportViolation<Result>({ name, nextStep }: Source, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FormatViolation)) throw error;
    const { expected, found } = error;
    const what = `${name} is not a valid safetensors file`;
    throw new Cifar10Error('CHECKPOINT_INVALID', { what, expected, found, nextStep });
  }
}

interface Span extends TensorLayout {
  readonly name: string;
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

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== '{'.charCodeAt(0))
    throw new FormatViolation('a header that begins with "{"', `first byte ${bytes[0] ?? 'missing'}`);
  const text = attempt('a header in UTF-8', () => new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  const flaw = findFlaw(text, HEADER_LIMITS);
  if (flaw) throw new FormatViolation(`a header with ${flaw.expected}`, flaw.found);
  return attempt('a header in JSON', () => JSON.parse(text) as Record<string, unknown>);
}

function attempt<Result>(expected: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    throw new FormatViolation(expected, escapeLine((error as Error).message)); // which quotes the text
  }
}

const FIELDS = new Set(['dtype', 'shape', 'data_offsets']);

function readSpan(name: string, entry: unknown): Span {
  const fields = (entry ?? {}) as Record<string, unknown>;
  const { dtype, shape, data_offsets: offsets } = fields;
  if (!isDtype(dtype))
    throw new FormatViolation(
      `${quoted(name)} to have a dtype of ${Object.keys(ITEM_SIZE_BYTES).join(', ')}`,
      describe(dtype),
    );
  if (!isCounts(shape))
    throw new FormatViolation(`${quoted(name)} to have a shape of integers`, describe(shape));
  if (!isCounts(offsets) || offsets.length !== 2)
    throw new FormatViolation(`${quoted(name)} to have two data_offsets`, describe(offsets));
  const others = Object.keys(fields).filter((key) => !FIELDS.has(key));
  if (others.length > 0)
    throw new FormatViolation(
      `${quoted(name)} to have dtype, shape and data_offsets`,
      `also ${others.map(quoted).join(', ')}`,
    );
  const [begin, end] = offsets as [number, number];
  const sizeBytes = tensorSizeBytes(dtype, shape);
  if (sizeBytes !== end - begin)
    throw new FormatViolation(
      `${quoted(name)} of ${dtype} [${shape}] to take ${sizeBytes ?? 'at most 2^53 - 1'} bytes`,
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
        `${quoted(span.name)} to begin at byte ${end}, where the tensor before it ends`,
        `${span.begin < end ? 'an overlap' : 'a hole'}, byte ${span.begin}`,
      );
    end = span.end;
  }
  if (end !== dataLength) throw new FormatViolation(`${end} bytes of data`, `${dataLength} bytes`);
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
