// Owns what a tensor is outside the core: dtype, shape and bytes. Must not know any file format.

/** Size of one element, by the names safetensors gives the dtypes. */
export const ITEM_SIZE_BYTES = {
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
} as const;

export type Dtype = keyof typeof ITEM_SIZE_BYTES;

/** A tensor without its bytes. */
export interface TensorLayout {
  readonly dtype: Dtype;
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
