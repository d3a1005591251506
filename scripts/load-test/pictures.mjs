// Owns the pictures that the load tests send: test images of the embedded sample as PNG, and what is no picture.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { PACKAGE_ROOT } from '../../dist/lib/package-root.js';

const SIDE = 32;
const PIXELS = SIDE * SIDE;
const RECORD_BYTES = 1 + 3 * PIXELS;

/** uint8 [32,32,3] of the first `count` test images. */
export function rawPictures(count) {
  const records = readFileSync(join(PACKAGE_ROOT, 'lib/dataset/sample/test.bin'));
  return Array.from({ length: count }, (_, row) => {
    const planes = records.subarray(row * RECORD_BYTES + 1, (row + 1) * RECORD_BYTES);
    const data = Uint8Array.from(
      planes,
      (_value, index) => planes[(index % 3) * PIXELS + Math.floor(index / 3)],
    );
    return { data, width: SIDE, height: SIDE, channels: 3 };
  });
}

/** The same as PNG files. */
export function pngPictures(count) {
  return Promise.all(rawPictures(count).map(({ data, ...raw }) => sharp(data, { raw }).png().toBuffer()));
}
