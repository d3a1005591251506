// Owns a thread that reads plain PNG files and decodes them, many for each message: a file costs some turns of Node.js's pool
// otherwise, which take twice as long as decoding it. Must not judge: what it leaves out is for `decodeImage` to read again.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { decodePlainPng } from './plain-png.js';

/** Files to read; what is asked for is answered in order. */
export interface PlainRequest {
  /** Paths, each byte of theirs a character, with NUL between them: one text is passed on sooner than many buffers. */
  readonly paths: string;
  /** Of a side, in pixels. */
  readonly size: number;
}

/** What became of them. */
export interface PlainAnswer {
  /** uint8 [files, size, size, 3]; zeros for a file that was left out. */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** uint8 [files]: 1 for a file that was decoded. */
  readonly isDecoded: Uint8Array;
}

/** A picture of 32x32 pixels that nothing could be saved of has 3 KB; the rest is for texts beside it. */
const MAX_BYTES = 1 << 14;

const bytes = Buffer.alloc(MAX_BYTES + 1);

function answer({ paths, size }: PlainRequest): PlainAnswer {
  const files = paths.split('\0').map((path) => Buffer.from(path, 'latin1'));
  const pixels = new Uint8Array(files.length * size * size * 3);
  const isDecoded = new Uint8Array(files.length);
  for (const [index, file] of files.entries()) {
    const decoded = decodePlainFile(file, size);
    if (decoded === undefined) continue;
    pixels.set(decoded, index * decoded.length);
    isDecoded[index] = 1;
  }
  return { pixels, isDecoded };
}

function decodePlainFile(path: Buffer, size: number): Uint8Array | undefined {
  try {
    return isSmallFile(statSync(path)) ? decodePlainPng(readSmallFile(path), size) : undefined;
  } catch {
    return undefined;
  }
}

/** Nothing else is even opened. */
function isSmallFile(info: Stats): boolean {
  return info.isFile() && info.size > 0 && info.size <= MAX_BYTES;
}

/** All of it, or nothing where it is being changed. */
function readSmallFile(path: Buffer): Uint8Array {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const info = fstatSync(file);
    const length = isSmallFile(info) ? readSync(file, bytes, 0, info.size + 1, null) : 0;
    return bytes.subarray(0, length === info.size ? length : 0);
  } finally {
    closeSync(file);
  }
}

parentPort?.on('message', (request: PlainRequest) => {
  const reply = answer(request);
  parentPort?.postMessage(reply, [reply.pixels.buffer]);
});
