// Owns keeping what a caller has given as it was when it was given: the caller may fill the same buffer anew right after.
import type { ImageInput } from './input.js';
import { isPipeline } from './pipeline.js';

/** The same image in memory of its own, as far as it is in memory. What is no image is returned for `openInput` to refuse. */
export function snapshot(input: ImageInput): ImageInput {
  if (input instanceof URL) return new URL(input);
  if (input instanceof Uint8Array) return Uint8Array.from(input);
  if (typeof input !== 'object' || input === null) return input;
  if (isPipeline(input)) return input.clone();
  return 'data' in input && input.data instanceof Uint8Array
    ? { ...input, data: Uint8Array.from(input.data) }
    : input;
}
