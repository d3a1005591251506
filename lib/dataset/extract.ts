// Owns unpacking a compressed tar stream: only files of known name and bearable size, straight into one folder.
// Must leave nothing open and no part of a file behind, however it ends.
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type MemberPiece, readMembers, type Wants } from './tar-members.js';

const INFLATED_CHUNK_BYTES = 1 << 16;
/** How gzip and zstd streams begin: the tar reader would inflate them itself, past the limit. */
const COMPRESSED = [Buffer.from([0x1f, 0x8b]), Buffer.from([0x28, 0xb5, 0x2f, 0xfd])];
const MAGIC_BYTES = 4;

export interface ExtractOptions {
  folder: string;
  wants: Wants;
  /** The most that the archive may hold, in bytes; one that holds more is given up there. */
  maxBytes: number;
  onBytes?: (bytes: number) => void;
  signal?: AbortSignal | undefined;
}

/** Unpacks the wanted files of the archive's top folder into `folder`, where no file of their names may be. */
export async function extractWanted(
  chunks: AsyncIterable<Buffer>,
  { folder, wants, maxBytes, onBytes, signal }: ExtractOptions,
): Promise<void> {
  let writing: Promise<void> | undefined;
  const write = (bytes: AsyncIterable<Buffer>) => {
    writing = writeFiles(readMembers(bytes, wants), folder);
    return writing;
  };
  try {
    await pipeline(
      counted(chunks, onBytes),
      createGunzip({ chunkSize: INFLATED_CHUNK_BYTES }),
      (bytes: AsyncIterable<Buffer>) => capped(bytes, maxBytes),
      write,
      signal ? { signal } : {},
    );
  } finally {
    // After an abort a write may be under way still: the caller is going to remove the folder.
    await writing?.catch(() => {});
  }
}

async function* counted(chunks: AsyncIterable<Buffer>, onBytes: ExtractOptions['onBytes']) {
  for await (const chunk of chunks) {
    onBytes?.(chunk.length);
    yield chunk;
  }
}

async function* capped(chunks: AsyncIterable<Buffer>, maxBytes: number) {
  let doneBytes = 0;
  let head = Buffer.alloc(0);
  for await (const chunk of chunks) {
    doneBytes += chunk.length;
    if (doneBytes > maxBytes) throw new Error(`the archive holds more than ${maxBytes} bytes`);
    if (head.length < MAGIC_BYTES) head = Buffer.concat([head, chunk]).subarray(0, MAGIC_BYTES);
    if (COMPRESSED.some((magic) => head.subarray(0, magic.length).equals(magic)))
      throw new Error('the archive is compressed twice');
    yield chunk;
  }
}

async function writeFiles(pieces: AsyncIterable<MemberPiece>, folder: string): Promise<void> {
  const files = new NewFiles(folder);
  try {
    for await (const piece of pieces) await files.write(piece);
  } catch (error) {
    await files.discard();
    throw error;
  }
}

/** Files that are written one after the other; none replaces or follows what is there. */
class NewFiles {
  readonly #folder: string;
  readonly #paths: string[] = [];
  #current: FileHandle | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write({ name, bytes, isLast }: MemberPiece): Promise<void> {
    this.#current ??= await this.#create(join(this.#folder, name));
    await this.#current.appendFile(bytes);
    if (isLast) await this.#close();
  }

  async discard(): Promise<void> {
    await this.#close();
    for (const path of this.#paths) await rm(path, { force: true });
  }

  async #create(path: string): Promise<FileHandle> {
    const handle = await open(path, 'wx');
    this.#paths.push(path);
    return handle;
  }

  async #close(): Promise<void> {
    const handle = this.#current;
    this.#current = undefined;
    await handle?.close();
  }
}
