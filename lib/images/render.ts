// Owns the steps by which libvips makes of any picture the pixels that models take. Must not know where a picture comes from.
import type { Sharp } from 'sharp';

/** When an image is there: loading libvips takes longer than most commands that need none. */
export async function loadSharp() {
  return (await import('sharp')).default;
}

/** uint8 [size, size, 3], RGB, interleaved. `image` has no other steps than these afterwards. */
export async function toPixels(image: Sharp, size: number, fastShrinkOnLoad = false): Promise<Uint8Array> {
  const pixels = await toRgb(image)
    .resize(size, size, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad })
    .raw({ depth: 'uchar' })
    .toBuffer();
  return Uint8Array.from(pixels);
}

/** The picture upright, on black, in sRGB. */
export function toRgb(image: Sharp): Sharp {
  return image.autoOrient().flatten({ background: '#000' }).toColourspace('srgb');
}

/** Images that take less are forgotten in the end without our doing. */
const FORGOTTEN_BYTES = 4 * 1024 * 1024;

/**
 * libvips keeps what it has decoded last, up to 50 MB and more than it counts, for when it is asked for again: no image is
 * here. How much it may keep is left as the program that uses this package has set it.
 */
export function forgetResults(sharp: Awaited<ReturnType<typeof loadSharp>>, decodedBytes: number): void {
  if (decodedBytes < FORGOTTEN_BYTES) return;
  const { memory, files, items } = sharp.cache();
  sharp.cache(false);
  sharp.cache({ memory: memory.max, files: files.max, items: items.max });
}
