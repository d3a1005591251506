// Owns turning image files, encoded bytes and raw pixels into the 32x32 RGB arrays that models take.
// Bytes, pixels and memory are bounded before anything is decoded. Must not know models.
import type { Metadata, Sharp } from 'sharp';
import { Cifar10Error, errorMessage } from '../errors.js';
import { type Container, readContainer } from './container.js';
import { invalidImage } from './errors.js';
import type { FoundImage } from './folder.js';
import { type EncodedImage, type ImageInput, openInput, type RawImage } from './input.js';
import {
  decoderBytes,
  MAX_DECODER_BYTES,
  shrinksWhileDecoding,
  withDecoderBytes,
  withEncodedBytes,
} from './memory.js';
import { isPipeline, renderPipeline } from './pipeline.js';
import { decodePlainPng } from './plain-png.js';
import { forgetResults, loadSharp, toPixels } from './render.js';
import { isJpeg, isPng, isWebp } from './signature.js';

export const MAX_PIXELS = 16 * 1024 * 1024;
/** Of width and height; a line is the least that can be decoded, and a few hundred are held. */
const MAX_SIDE = 16 * 1024;
const MAX_SMALL_PIXELS = 256 * 256;
const RAW = { nextStep: 'give the pixels with their sizes, as numbers' };
const SMALLER = { nextStep: 'save it smaller, not progressive and without a large profile' };

/**
 * Decodes an image to uint8 [size, size, 3], RGB, interleaved.
 * EXIF orientation is applied, transparency becomes black, grey becomes RGB. An image of another size is stretched
 * with a Lanczos kernel that averages over what it shrinks (WebP above 1 Mi pixels by its decoder's averages); one of the
 * right size keeps its pixels bit for bit.
 * Bounds: 8 MiB encoded, 16 Mi pixels, 16,384 pixels a side, 36 MiB for the decoder.
 * Errors: `IMAGE_NOT_FOUND`, `IMAGE_INVALID`, `INVALID_ARGUMENT` for an input of another kind.
 */
export async function decodeImage(input: ImageInput | FoundImage, size = 32): Promise<Uint8Array> {
  const opened = await openInput(input);
  if (isPipeline(opened)) return decodePipeline(opened, size);
  return 'data' in opened
    ? decodeRaw(opened, size)
    : withEncodedBytes(opened.bytesToRead, () => decodeEncoded(opened, size));
}

async function decodeEncoded({ name, read }: EncodedImage, size: number): Promise<Uint8Array> {
  const bytes = await read();
  if (!isJpeg(bytes) && !isPng(bytes) && !isWebp(bytes)) {
    const found = bytes.length === 0 ? 'no bytes' : 'data of another kind';
    throw invalidImage(name, 'JPEG, PNG or WebP data', found);
  }
  const plain = decodePlainPng(bytes, size);
  if (plain) return plain;
  const sharp = await loadSharp();
  try {
    const container = readContainer(bytes);
    const open = () => sharp(container.bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error' });
    if (isSmall(container)) return await toPixels(open(), size);
    const header = await open().metadata();
    const neededBytes = checkedDecoderBytes(name, header, container);
    const decode = () => toPixels(open(), size, shrinksWhileDecoding(header));
    return await withDecoderBytes(neededBytes, decode).finally(() => forgetResults(sharp, neededBytes));
  } catch (error) {
    throw asInvalidImage(name, error);
  }
}

async function decodePipeline(image: Sharp, size: number): Promise<Uint8Array> {
  try {
    return await renderPipeline(image, size, MAX_PIXELS);
  } catch (error) {
    throw asInvalidImage('the image', error);
  }
}

async function decodeRaw({ data, width, height, channels }: RawImage, size: number): Promise<Uint8Array> {
  const name = 'the raw image';
  const areSizes = [width, height].every((length) => Number.isInteger(length) && length > 0);
  if (!areSizes || width * height > MAX_PIXELS || ![1, 3, 4].includes(channels))
    throw invalidImage(
      name,
      `a width and height of 1 to ${MAX_PIXELS} pixels in all and 1, 3 or 4 channels`,
      `width ${String(width)}, height ${String(height)}, channels ${String(channels)} (${typeof width})`,
      RAW,
    );
  if (data.length !== width * height * channels)
    throw invalidImage(name, `${width * height * channels} bytes`, `${data.length} bytes`, RAW);
  if (width === size && height === size && channels === 3) return Uint8Array.from(data);
  const sharp = await loadSharp();
  try {
    return await toPixels(sharp(data, { raw: { width, height, channels } }), size);
  } catch (error) {
    throw asInvalidImage(name, error);
  }
}

/** Whether the decoder need not be asked for the header first, which takes a third of the time of decoding so small an image. */
function isSmall({ pixels, metadataBytes }: Container): boolean {
  return pixels !== undefined && pixels <= MAX_SMALL_PIXELS && metadataBytes === 0;
}

function checkedDecoderBytes(name: string, header: Metadata, container: Container): number {
  const { width, height } = header;
  if (Math.max(width, height) > MAX_SIDE)
    throw invalidImage(name, `at most ${MAX_SIDE} pixels a side`, `${width}x${height} pixels`, SMALLER);
  const neededBytes = decoderBytes(header, container);
  if (neededBytes <= MAX_DECODER_BYTES) return neededBytes;
  throw invalidImage(
    name,
    `an image that is decoded in ${MAX_DECODER_BYTES} bytes`,
    `${describe(header)}, which takes ${neededBytes}`,
    SMALLER,
  );
}

function describe({ format, width, height, isProgressive }: Metadata): string {
  return `${isProgressive ? 'progressive ' : ''}${format.toUpperCase()} of ${width}x${height} pixels`;
}

function asInvalidImage(name: string, error: unknown): Cifar10Error {
  if (error instanceof Cifar10Error) return error;
  const found = errorMessage(error).split('\n', 1)[0];
  return invalidImage(name, `an intact image of at most ${MAX_PIXELS} pixels`, `${found}`, { cause: error });
}
