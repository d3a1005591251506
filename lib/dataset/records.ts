// Owns the conversion of a sheet of images to CIFAR binary records. Pure: no file, no codec.
import { PLANE_BYTES, RECORD_BYTES } from './facts.js';

/** Few enough that one piece takes milliseconds: the event loop runs between two. */
const RECORDS_PER_CHUNK = 500;

/**
 * Yields the records in pieces. `pixels`: one row per image, RGB interleaved, row-major 32x32;
 * `labels`: one byte per image.
 */
export function* toRecords(pixels: Uint8Array, labels: Uint8Array): Generator<Uint8Array> {
  for (let first = 0; first < labels.length; first += RECORDS_PER_CHUNK) {
    const count = Math.min(RECORDS_PER_CHUNK, labels.length - first);
    const chunk = new Uint8Array(count * RECORD_BYTES);
    for (let i = 0; i < count; i++) {
      const record = chunk.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES);
      const start = (first + i) * 3 * PLANE_BYTES;
      record[0] = labels[first + i] as number;
      separatePlanes(pixels.subarray(start, start + 3 * PLANE_BYTES), record.subarray(1));
    }
    yield chunk;
  }
}

/** RGBRGB… to R…G…B…. */
function separatePlanes(interleaved: Uint8Array, planes: Uint8Array): void {
  for (let pixel = 0; pixel < PLANE_BYTES; pixel++)
    for (let channel = 0; channel < 3; channel++)
      planes[channel * PLANE_BYTES + pixel] = interleaved[3 * pixel + channel] as number;
}
