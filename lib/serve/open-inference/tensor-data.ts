// Owns the step from the data of the input tensor to images: pixels or files of images, as JSON or as bytes.
// Must not decode images, and must not allocate what a shape claims before the data is known to have it.
import { MAX_PIXELS, type RawImage } from '../../images/index.js';
import { describe, invalidInput } from './invalid.js';

/** How much one request may hold. */
export interface ImageLimits {
  readonly images: number;
  /** Of each encoded image. */
  readonly imageBytes: number;
}

/** The input tensor of a request. */
export interface InputTensor {
  readonly datatype: 'UINT8' | 'BYTES';
  /** Whole numbers from 1. */
  readonly shape: readonly number[];
  /** Lists of JSON, or the bytes behind it. */
  readonly data: readonly unknown[] | Buffer;
  /** What `data` says about itself, if it does. */
  readonly contentType?: string | undefined;
}

const CHANNELS = 3;
const LENGTH_BYTES = 4;

/** The images; their bytes are views into a binary tensor. Errors: `INVALID_ARGUMENT`. */
export function readImages(tensor: InputTensor, limits: ImageLimits): (RawImage | Uint8Array)[] {
  const [count = 0] = tensor.shape;
  if (count < 1 || count > limits.images)
    throw invalidInput(`a shape of 1 to ${limits.images} images`, JSON.stringify(tensor.shape));
  return tensor.datatype === 'UINT8' ? readPixels(tensor) : readEncoded(tensor, limits.imageBytes);
}

function readPixels({ shape, data }: InputTensor): RawImage[] {
  const [count, height, width] = shape as [number, number, number];
  if (shape.length !== 4 || shape[3] !== CHANNELS || height * width > MAX_PIXELS)
    throw invalidInput(
      `the shape [N, height, width, ${CHANNELS}] of at most ${MAX_PIXELS} pixels an image for UINT8`,
      JSON.stringify(shape),
    );
  const imageBytes = height * width * CHANNELS;
  const pixels = Buffer.isBuffer(data)
    ? checkLength(data, count * imageBytes, shape)
    : toBytes(flatten(data, shape));
  return Array.from({ length: count }, (_, image) => ({
    data: pixels.subarray(image * imageBytes, (image + 1) * imageBytes),
    width,
    height,
    channels: CHANNELS,
  }));
}

function toBytes(elements: readonly unknown[]): Uint8Array {
  const wrong = elements.findIndex((value) => !isByte(value));
  if (wrong >= 0)
    throw invalidInput('whole numbers from 0 to 255', `${describe(elements[wrong])} as element ${wrong}`);
  return new Uint8Array(elements as number[]);
}

function isByte(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;
}

function readEncoded(tensor: InputTensor, maxBytes: number): Uint8Array[] {
  const { shape, data } = tensor;
  if (shape.length > 2 || (shape[1] ?? 1) !== 1)
    throw invalidInput('the shape [N] or [N, 1] for BYTES', JSON.stringify(shape));
  if (Buffer.isBuffer(data)) return splitElements(data, shape, maxBytes);
  const { contentType = 'base64' } = tensor;
  if (contentType !== 'base64') throw invalidInput('the content type "base64"', describe(contentType));
  return flatten(data, shape).map((text, image) => decodeBase64(text, image, maxBytes));
}

/** The elements of a binary BYTES tensor: of each its length, 4 bytes little-endian, then as many bytes. */
function splitElements(data: Buffer, shape: readonly number[], maxBytes: number): Buffer[] {
  const images: Buffer[] = [];
  let end = 0;
  for (let image = 0; image < Number(shape[0]); image++) {
    const begin = end + LENGTH_BYTES;
    if (begin > data.length) throw cutOff(image, LENGTH_BYTES, data.length - end);
    const sizeBytes = checkSize(data.readUInt32LE(end), image, maxBytes);
    end = begin + sizeBytes;
    if (end > data.length) throw cutOff(image, sizeBytes, data.length - begin);
    images.push(data.subarray(begin, end));
  }
  checkLength(data, end, shape);
  return images;
}

/**
 * JSON holds text, and hardly any file of an image is text in UTF-8: an element is its bytes in base64. Buffer passes
 * over what is no base64, so the bytes have to give the same text again.
 */
function decodeBase64(text: unknown, image: number, maxBytes: number): Uint8Array {
  if (typeof text !== 'string')
    throw invalidInput('texts in base64', `${describe(text)} as element ${image}`);
  checkSize(Buffer.byteLength(text, 'base64'), image, maxBytes);
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text)
    throw invalidInput(
      'base64 with padding and without line breaks',
      `${describe(text)} as element ${image}`,
    );
  return bytes;
}

/**
 * The elements in row-major order. The lists are nested as the shape is, or there is one of all elements; a shape that
 * claims more than they hold is refused without memory for it.
 */
function flatten(data: readonly unknown[], shape: readonly number[]): readonly unknown[] {
  const isNested = Array.isArray(data[0]);
  const total = shape.reduce((product, side) => product * side, 1);
  let elements = checkList(data, isNested ? shape[0] : total, shape);
  for (const side of isNested ? shape.slice(1) : []) {
    const inner: unknown[] = [];
    for (const list of elements) for (const item of checkList(list, side, shape)) inner.push(item);
    elements = inner;
  }
  return elements;
}

function checkList(value: unknown, length: number | undefined, shape: readonly number[]): readonly unknown[] {
  if (Array.isArray(value) && value.length === length) return value;
  const expected = `data of the shape ${JSON.stringify(shape)}, nested or in one list`;
  throw invalidInput(expected, `${describe(value)} in place of a list of ${length}`);
}

function checkLength(data: Buffer, sizeBytes: number, shape: readonly number[]): Buffer {
  if (data.length === sizeBytes) return data;
  throw invalidInput(`${sizeBytes} bytes for the shape ${JSON.stringify(shape)}`, `${data.length} bytes`);
}

function checkSize(sizeBytes: number, image: number, maxBytes: number): number {
  if (sizeBytes >= 1 && sizeBytes <= maxBytes) return sizeBytes;
  throw invalidInput(`images of 1 to ${maxBytes} bytes`, `${sizeBytes} bytes as element ${image}`);
}

function cutOff(image: number, expectedBytes: number, foundBytes: number) {
  return invalidInput(`${expectedBytes} more bytes for element ${image}`, `${foundBytes} bytes`);
}
