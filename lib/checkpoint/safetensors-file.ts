// Owns reading a safetensors file from the disk: its head first, its data only when somebody has agreed to the head.
// Must not know what the tensors mean.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Cifar10Error, systemCode } from '../errors.js';
import { PREFIX_BYTES } from './safetensors-encode.js';
import { type Head, headSize, parseHead } from './safetensors-parse.js';

/** How errors speak of a file. */
export interface FileKind {
  readonly name: string;
  readonly ifMissing: string;
  readonly nextStep: string;
}

/** What Node.js reads into one buffer on every version it runs on. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** An open file whose head is valid. Errors of every method: `CHECKPOINT_INVALID`. */
export class SafetensorsFile {
  readonly #reader: Reader;

  private constructor(
    reader: Reader,
    readonly head: Head,
    /** The head as it stands in the file. */
    readonly headBytes: Uint8Array,
  ) {
    this.#reader = reader;
  }

  /** Errors: also `CHECKPOINT_NOT_FOUND`. */
  static async open(path: string, kind: FileKind): Promise<SafetensorsFile> {
    const reader = await Reader.open(path, kind);
    try {
      const source = { name: `${kind.name} "${path}"`, nextStep: kind.nextStep };
      const prefix = await reader.read(0, Math.min(PREFIX_BYTES, reader.size));
      const bytes = await reader.read(0, headSize(prefix, reader.size, source));
      return new SafetensorsFile(reader, parseHead(bytes, reader.size, source), bytes);
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** All bytes behind the head. */
  readData(): Promise<Uint8Array> {
    const { length } = this.headBytes;
    return this.#reader.read(length, this.#reader.size - length);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

/** A file of a size that was known when it was opened. */
class Reader {
  readonly #handle: FileHandle;
  readonly #unreadable: Unreadable;

  private constructor(
    handle: FileHandle,
    unreadable: Unreadable,
    readonly size: number,
  ) {
    this.#handle = handle;
    this.#unreadable = unreadable;
  }

  static async open(path: string, kind: FileKind): Promise<Reader> {
    const unreadable = unreadableFile(path, kind);
    const handle = await openFile(path, kind, unreadable);
    try {
      return new Reader(handle, unreadable, await sizeOf(handle, unreadable));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const bytesRead = await this.#readSome(bytes, done, position + done);
      if (bytesRead === 0)
        throw this.#unreadable(`${this.size} bytes`, `${position + done}: it was cut meanwhile`);
      done += bytesRead;
    }
    return bytes;
  }

  async #readSome(bytes: Uint8Array, offset: number, position: number): Promise<number> {
    try {
      return (await this.#handle.read(bytes, offset, bytes.length - offset, position)).bytesRead;
    } catch (error) {
      throw this.#unreadable('a file this user can read', systemCode(error) ?? String(error), error);
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

type Unreadable = (expected: string, found: string, cause?: unknown) => Cifar10Error;

function unreadableFile(path: string, { name, nextStep }: FileKind): Unreadable {
  return (expected, found, cause) =>
    new Cifar10Error('CHECKPOINT_INVALID', {
      what: `${name} "${path}" cannot be read`,
      expected,
      found,
      nextStep,
      cause,
    });
}

async function openFile(path: string, kind: FileKind, unreadable: Unreadable): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // no waiting for the writer of a pipe
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw unreadable('a file this user can read', code ?? String(error), error);
    throw new Cifar10Error('CHECKPOINT_NOT_FOUND', {
      what: `${kind.name} "${path}" does not exist`,
      nextStep: kind.ifMissing,
      cause: error,
    });
  }
}

async function sizeOf(handle: FileHandle, unreadable: Unreadable): Promise<number> {
  const info = await handle.stat();
  if (!info.isFile()) throw unreadable('a file', info.isDirectory() ? 'a folder' : 'a device or pipe');
  if (info.size > MAX_FILE_BYTES) throw unreadable(`at most ${MAX_FILE_BYTES} bytes`, `${info.size} bytes`);
  return info.size;
}
