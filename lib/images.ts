// Owns turning image files, encoded bytes and raw pixels into the 32x32 RGB arrays that models take, and finding
// image files in a folder. Bytes and pixels are capped before anything is decoded. Must not know models.
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sharp } from 'sharp';
import { Cifar10Error, errorMessage, systemCode } from './errors.js';

/** Decoded pixels: row-major, interleaved; grey, RGB or RGBA, 0–255. */
export interface RawImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

/** A path, a `file:` URL, the bytes of a JPEG, PNG or WebP file, or raw pixels. */
export type ImageInput = string | URL | Uint8Array | RawImage;

const MAX_ENCODED_BYTES = 8 * 1024 * 1024;
const MAX_PIXELS = 16 * 1024 * 1024;
const IMAGE_NAME = /\.(jpe?g|png|webp)$/i;

/**
 * Decodes an image to uint8 [size, size, 3], RGB, interleaved.
 * EXIF orientation is applied, transparency becomes black, grey becomes RGB. An image of another size is stretched
 * with a Lanczos kernel that averages over what it shrinks; one of the right size keeps its pixels bit for bit.
 * Errors: `IMAGE_NOT_FOUND`, `IMAGE_INVALID`, `INVALID_ARGUMENT` for an input of another kind.
 */
export async function decodeImage(input: ImageInput, size = 32): Promise<Uint8Array> {
  const { name, image } = await openImage(input);
  try {
    const pixels = await image
      .autoOrient()
      .flatten({ background: '#000' })
      .toColourspace('srgb')
      .resize(size, size, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false })
      .raw({ depth: 'uchar' })
      .toBuffer();
    return Uint8Array.from(pixels);
  } catch (error) {
    const found = errorMessage(error).split('\n', 1)[0];
    throw invalidImage(name, `an intact image of at most ${MAX_PIXELS} pixels`, `${found}`, error);
  }
}

/**
 * The image files in a folder and all folders below it, by extension in any case, sorted; hidden names are skipped.
 * Symbolic links are followed, each folder is visited once.
 * Errors: `IMAGE_NOT_FOUND` for a missing or unreadable folder, `NO_IMAGES_FOUND`.
 */
export async function listImages(folder: string): Promise<string[]> {
  const images = await collectImages(folder, new Set());
  if (images.length > 0) return images.sort();
  throw new Cifar10Error('NO_IMAGES_FOUND', {
    what: `folder "${folder}" holds no images`,
    expected: 'files named .jpg, .jpeg, .png or .webp, there or in folders below',
    found: 'none',
    nextStep: 'give a folder with images',
  });
}

/** When an image is there: loading libvips takes longer than most commands that need none. */
async function loadSharp() {
  return (await import('sharp')).default;
}

interface OpenedImage {
  /** What errors call the image. */
  readonly name: string;
  readonly image: Sharp;
}

async function openImage(input: ImageInput): Promise<OpenedImage> {
  if (typeof input === 'string') return openEncoded(`image "${input}"`, await readImageFile(input));
  if (input instanceof URL) return openImage(toPath(input));
  if (input instanceof Uint8Array) return openEncoded('the image', input);
  if (typeof input === 'object' && input?.data instanceof Uint8Array) return openRaw(input);
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'an image of this kind cannot be decoded',
    expected: 'a path, a file: URL, a Buffer or { data, width, height, channels }',
    found: input === null ? 'null' : typeof input,
    nextStep: 'give one of these',
  });
}

function toPath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: `"${url}" cannot be opened`,
      expected: 'a file: URL of this machine',
      found: url.protocol,
      nextStep: 'download the image and give its bytes',
      cause: error,
    });
  }
}

async function readImageFile(path: string): Promise<Uint8Array> {
  const name = `image "${path}"`;
  try {
    const info = await stat(path);
    if (!info.isFile())
      throw invalidImage(name, 'a file', info.isDirectory() ? 'a folder' : 'a device or pipe');
    // Checked again on the bytes: this one only keeps a huge file from being read.
    if (info.size > MAX_ENCODED_BYTES) throw tooLarge(name, info.size);
    return await readFile(path);
  } catch (error) {
    if (error instanceof Cifar10Error) throw error;
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw invalidImage(name, 'a file this user can read', code ?? errorMessage(error), error);
    throw notFound(name, 'a file', error);
  }
}

async function openEncoded(name: string, bytes: Uint8Array): Promise<OpenedImage> {
  if (bytes.length > MAX_ENCODED_BYTES) throw tooLarge(name, bytes.length);
  if (!hasKnownSignature(bytes))
    throw invalidImage(
      name,
      'JPEG, PNG or WebP data',
      bytes.length === 0 ? 'no bytes' : 'data of another kind',
    );
  const sharp = await loadSharp();
  return { name, image: sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' }) };
}

/** Looked at here and not asked of the decoder, so that no other parser (SVG, GIF, TIFF…) ever sees the bytes. */
function hasKnownSignature(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 12)).toString('hex');
  return /^(ffd8ff|89504e470d0a1a0a|52494646.{8}57454250)/.test(start);
}

async function openRaw({ data, width, height, channels }: RawImage): Promise<OpenedImage> {
  const areSizes = [width, height].every((length) => Number.isInteger(length) && length > 0);
  if (!areSizes || width * height > MAX_PIXELS || ![1, 3, 4].includes(channels))
    throw invalidImage(
      'the raw image',
      `a width and height of 1 to ${MAX_PIXELS} pixels in all and 1, 3 or 4 channels`,
      `width ${width}, height ${height}, channels ${channels}`,
    );
  if (data.length !== width * height * channels)
    throw invalidImage('the raw image', `${width * height * channels} bytes`, `${data.length} bytes`);
  const sharp = await loadSharp();
  return { name: 'the raw image', image: sharp(data, { raw: { width, height, channels } }) };
}

/** `visited` holds the real paths of the folders seen, so that a loop of links ends. */
async function collectImages(folder: string, visited: Set<string>): Promise<string[]> {
  const entries = await readFolder(folder, visited);
  const images: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry);
    if (await isFolder(path)) images.push(...(await collectImages(path, visited)));
    else if (IMAGE_NAME.test(entry)) images.push(path);
  }
  return images;
}

async function readFolder(folder: string, visited: Set<string>): Promise<string[]> {
  try {
    const real = await realpath(folder);
    if (visited.has(real)) return [];
    visited.add(real);
    return (await readdir(real)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    throw notFound(`image folder "${folder}"`, 'a folder this user can read', error);
  }
}

/** False too where a link leads nowhere: decoding it then says so. */
async function isFolder(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info?.isDirectory() ?? false;
}

function notFound(what: string, expected: string, error: unknown): Cifar10Error {
  return new Cifar10Error('IMAGE_NOT_FOUND', {
    what: `${what} cannot be opened`,
    expected,
    found: systemCode(error) ?? errorMessage(error),
    nextStep: 'check the path',
    cause: error,
  });
}

function tooLarge(name: string, sizeBytes: number): Cifar10Error {
  return invalidImage(name, `at most ${MAX_ENCODED_BYTES} bytes`, `${sizeBytes} bytes`);
}

function invalidImage(name: string, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('IMAGE_INVALID', {
    what: `${name} cannot be decoded`,
    expected,
    found,
    nextStep: 'give a JPEG, PNG or WebP image, or leave it out',
    cause,
  });
}
