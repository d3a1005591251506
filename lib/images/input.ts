// Owns what may be given as an image, and getting its bytes: kind and size are checked before anything is read.
// Must not decode.
import { closeSync, constants, fstatSync, open as openCallback, read as readCallback } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Sharp } from 'sharp';
import { Cifar10Error, errorMessage, systemCode } from '../errors.js';
import { invalidImage, notFound } from './errors.js';
import type { FoundImage } from './folder.js';
import { isPipeline } from './pipeline.js';

/**
 * Decoded pixels: uint8 [height, width, channels].
 *
 * @category Inference
 */
export interface RawImage {
  /** Row-major, interleaved, 0–255: `width * height * channels` bytes. */
  readonly data: Uint8Array;
  /** In pixels; `width * height` is at most 16 Mi. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** 1: grey; 3: RGB; 4: RGBA, whose transparency becomes black. */
  readonly channels: 1 | 3 | 4;
}

/**
 * A path, a `file:` URL, the bytes of a JPEG, PNG or WebP file, raw pixels, or an instance of sharp. An encoded image has at
 * most 8 MiB, 16 Mi pixels and 16,384 pixels a side, and takes its decoder at most 36 MiB.
 *
 * Of an instance, such as `sharp(file).extract(…)`, what its steps make is the image; it may be used on. Its input has at most 16
 * Mi pixels, in any format that sharp reads. It is turned as its EXIF orientation says also where `autoOrient()` was not
 * called; an `extract` before that call has the coordinates of the picture as it is stored.
 *
 * @category Inference
 */
export type ImageInput = string | URL | Uint8Array | RawImage | Sharp;

export const MAX_ENCODED_BYTES = 8 * 1024 * 1024;

/** The encoded bytes of an image, not necessarily in memory yet. */
export interface EncodedImage {
  /** What errors call the image. */
  readonly name: string;
  /** What reading takes; 0 for bytes that the caller holds anyway. */
  readonly bytesToRead: number;
  readonly read: () => Promise<Uint8Array>;
}

/**
 * Finds the bytes of `input`; raw pixels and instances of sharp are returned as they are.
 * Errors: `IMAGE_NOT_FOUND`, `IMAGE_INVALID` for what is no file or too large, `INVALID_ARGUMENT`.
 */
export async function openInput(input: ImageInput | FoundImage): Promise<EncodedImage | RawImage | Sharp> {
  if (typeof input === 'string') return openFile(input, input);
  if (input instanceof URL) return openInput(toPath(input));
  if (input instanceof Uint8Array) return holdBytes(input);
  if (typeof input === 'object' && input !== null) {
    if ('path' in input && Buffer.isBuffer(input.path)) return openFile(input.name, input.path);
    if (isPipeline(input)) return input;
    if ('data' in input && input.data instanceof Uint8Array) return input;
  }
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'an image of this kind cannot be decoded',
    expected: 'a path, a file: URL, a Buffer, { data, width, height, channels } or an instance of sharp',
    found: kindOf(input),
    nextStep: 'give one of these',
  });
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value === null ? null : typeof value);
  return value.constructor?.name ?? 'object';
}

function toPath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: `"${url}" cannot be opened`,
      expected: 'a file: URL of this machine, in UTF-8',
      found: errorMessage(error),
      nextStep: 'give its path or its bytes',
      cause: error,
    });
  }
}

function holdBytes(bytes: Uint8Array): EncodedImage {
  const name = 'the image';
  if (bytes.length > MAX_ENCODED_BYTES) throw tooLarge(name, bytes.length);
  return { name, bytesToRead: 0, read: async () => bytes };
}

async function openFile(label: string, path: string | Buffer): Promise<EncodedImage> {
  const name = `image "${label}"`;
  const info = await stat(path).catch((error) => {
    throw unreadable(name, error);
  });
  if (!info.isFile())
    throw invalidImage(name, 'a file', info.isDirectory() ? 'a folder' : 'a device or pipe');
  if (info.size > MAX_ENCODED_BYTES) throw tooLarge(name, info.size);
  return { name, bytesToRead: info.size, read: () => readWhole(name, path, info.size) };
}

/** Of numbers: `FileHandle` takes several times as long for a small file. */
const open = promisify(openCallback);
const read = promisify(readCallback);

/**
 * As much as was seen before, and of the same kind: a file may have grown or have been replaced since, by a pipe even.
 * What a system answers at once for an open file is asked for without the way through Node.js's pool of threads.
 */
async function readWhole(name: string, path: string | Buffer, sizeBytes: number): Promise<Uint8Array> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(file).isFile()) throw invalidImage(name, 'a file', 'a device or pipe');
      return await readBytes(file, sizeBytes, name);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw error instanceof Cifar10Error ? error : unreadable(name, error);
  }
}

/** Nothing of what says that it has no bytes, as files of the system do: it might never end. */
async function readBytes(file: number, sizeBytes: number, name: string): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(sizeBytes + 1); // one more tells whether it has grown
  let done = 0;
  while (done < sizeBytes) {
    const { bytesRead } = await read(file, bytes, done, bytes.length - done, null);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  if (done > sizeBytes) throw invalidImage(name, 'a file that stays as it is', 'one that grows');
  return bytes.subarray(0, done);
}

function unreadable(name: string, error: unknown): Cifar10Error {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? notFound(name, 'a file', error)
    : invalidImage(name, 'a file this user can read', code ?? errorMessage(error), {
        nextStep: 'change its permissions, or leave it out',
        cause: error,
      });
}

function tooLarge(name: string, sizeBytes: number): Cifar10Error {
  return invalidImage(name, `at most ${MAX_ENCODED_BYTES} bytes`, `${sizeBytes} bytes`, {
    nextStep: 'save it smaller',
  });
}
