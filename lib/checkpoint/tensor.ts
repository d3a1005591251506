// Owns what a tensor is outside the core: dtype, shape and bytes. Must not know any file format.

/**
 * The type of a tensor's elements, by the name that safetensors gives it: `F32` is float32, `I64` int64.
 *
 * @category Checkpoints
 */
export type Dtype =
  | 'BOOL'
  | 'U8'
  | 'I8'
  | 'U16'
  | 'I16'
  | 'F16'
  | 'BF16'
  | 'U32'
  | 'I32'
  | 'F32'
  | 'U64'
  | 'I64'
  | 'F64';

/** Size of one element. */
export const ITEM_SIZE_BYTES: Readonly<Record<Dtype, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/**
 * A tensor without its bytes.
 *
 * @category Checkpoints
 */
export interface TensorLayout {
  /** Of its elements. */
  readonly dtype: Dtype;
  /** The length of each dimension, row-major; empty for a single number. */
  readonly shape: readonly number[];
}

/** A tensor's bytes: little-endian, row-major, at any address. */
export interface TensorData extends TensorLayout {
  readonly data: Uint8Array;
}

export function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(ITEM_SIZE_BYTES, value);
}

/** The bytes a tensor takes, or undefined where the product is not an exact integer. */
export function tensorSizeBytes(dtype: Dtype, shape: readonly number[]): number | undefined {
  let size: number = ITEM_SIZE_BYTES[dtype];
  for (const length of shape) {
    size *= length;
    if (!Number.isSafeInteger(size)) return undefined;
  }
  return size;
}
