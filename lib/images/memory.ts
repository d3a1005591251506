// Owns the bound on the memory of images that are decoded at once, in all calls of this process together: what a
// decoder will take is estimated from the image's header, and it waits until so much is free.
// The estimates are measured: test/unit/images/hostile-images.test.ts decodes the largest images that are accepted.
import { availableParallelism } from 'node:os';
import { Semaphore } from 'async-mutex';
import type { Metadata } from 'sharp';
import type { Container } from './container.js';

const MIB = 1024 * 1024;
/** What is accounted for, so that the library's counters stay small. */
const UNIT_BYTES = MIB / 8;

/** Of encoded bytes read from files: two of the largest that are accepted. */
const ENCODED_BYTES = 16 * MIB;
/** Of decoders; an image that takes more is refused. */
export const MAX_DECODER_BYTES = 36 * MIB;

const encoded = new Semaphore(ENCODED_BYTES / UNIT_BYTES);
const decoders = new Semaphore(MAX_DECODER_BYTES / UNIT_BYTES);

/** Small ones: each takes few turns of Node.js's pool of threads and waits for the event loop in between. */
const AT_ONCE = Math.max(16, 2 * availableParallelism());

/** Does `work`, which reads and decodes an image of `bytes` encoded bytes, when as much memory is free. */
export function withEncodedBytes<T>(bytes: number, work: () => Promise<T>): Promise<T> {
  return encoded.runExclusive(work, Math.max(inUnits(bytes), Math.floor(inUnits(ENCODED_BYTES) / AT_ONCE)));
}

/** Does `work`, which decodes an image that takes `bytes`, when as much memory is free. */
export function withDecoderBytes<T>(bytes: number, work: () => Promise<T>): Promise<T> {
  return decoders.runExclusive(work, Math.min(inUnits(bytes), inUnits(MAX_DECODER_BYTES)));
}

function inUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / UNIT_BYTES));
}

const BYTES_PER_SAMPLE: Record<string, number> = { ushort: 2 };

type Outline = Pick<Container, 'coefficientBytes' | 'metadataBytes' | 'isLossless' | 'isAnimated'>;

/**
 * What libvips takes at most to decode an image and shrink it, in bytes: all of what a format gives only as a whole,
 * some hundred lines of what it gives line by line, and several copies of what is beside the picture.
 */
export function decoderBytes(header: Metadata, container: Outline): number {
  return (
    pictureBytes(header, container) +
    METADATA_COPIES * Math.max(0, container.metadataBytes - FREE_METADATA_BYTES)
  );
}

function pictureBytes(header: Metadata, container: Outline): number {
  const { format, width, height, isProgressive } = header;
  if (format === 'webp') return width * height * webpBytesPerPixel(header, container);
  if (container.coefficientBytes > 0) return container.coefficientBytes;
  const bytesPerPixel = header.channels * (BYTES_PER_SAMPLE[header.depth] ?? 1);
  const lines = isProgressive ? height : Math.max(MIN_LINES, Math.min(height, MAX_LINES));
  return width * lines * bytesPerPixel;
}

/** Of EXIF and profiles, as far as the growth with files of megabytes tells. */
const METADATA_COPIES = 8;
const FREE_METADATA_BYTES = MIB / 16;
const MIN_LINES = 256;
const MAX_LINES = 1024;

/**
 * Whether the format's own decoder shall shrink the image, by plain averages: WebP is otherwise handed over whole,
 * beside what its decoder holds.
 */
export function shrinksWhileDecoding({ format, width, height }: Metadata): boolean {
  return format === 'webp' && width * height > MAX_WHOLE_WEBP_PIXELS;
}

const MAX_WHOLE_WEBP_PIXELS = MIB;

/** The decoder holds all pixels of the lossless form, of the other one all of its transparency; of an animation a canvas, too. */
function webpBytesPerPixel(header: Metadata, { isLossless, isAnimated }: Outline): number {
  if (isAnimated || !shrinksWhileDecoding(header)) return 8;
  return isLossless ? 4 : 2;
}
