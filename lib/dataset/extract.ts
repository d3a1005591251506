// Owns unpacking a compressed tar stream: only files of known name and bearable size, straight into one folder.
// Everything else in the archive (links, other names, other depths) is left out.
import { once } from 'node:events';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type ReadEntry, Unpack } from 'tar';

export interface ExtractOptions {
  folder: string;
  /** Whether a file of this name and size is wanted. */
  wants: (name: string, sizeBytes: number) => boolean;
  /** The most that the archive may hold, in bytes; one that holds more is given up there. */
  maxBytes: number;
  onBytes?: (bytes: number) => void;
  signal?: AbortSignal | undefined;
}

/** Unpacks the wanted files of the archive's top folder into `folder`. */
export async function extractWanted(
  chunks: AsyncIterable<Buffer>,
  { folder, wants, maxBytes, onBytes, signal }: ExtractOptions,
): Promise<void> {
  const unpack = new Unpack({
    cwd: folder,
    strip: 1,
    strict: true,
    preserveOwner: false,
    noMtime: true,
    filter: (path, entry) =>
      isTopLevelFile(path, entry as ReadEntry) && wants(basename(path), entry.size ?? 0),
  });
  // tar could decompress as well, but would do so to the end of each piece however much that is.
  await pipeline(
    counted(chunks, onBytes),
    createGunzip(),
    (bytes: AsyncIterable<Buffer>) => capped(bytes, maxBytes),
    (bytes: AsyncIterable<Buffer>) => feed(unpack, bytes, signal),
    signal ? { signal } : {},
  );
}

async function* counted(chunks: AsyncIterable<Buffer>, onBytes: ExtractOptions['onBytes']) {
  for await (const chunk of chunks) {
    onBytes?.(chunk.length);
    yield chunk;
  }
}

async function* capped(chunks: AsyncIterable<Buffer>, maxBytes: number) {
  let doneBytes = 0;
  for await (const chunk of chunks) {
    doneBytes += chunk.length;
    if (doneBytes > maxBytes) throw new Error(`the archive holds more than ${maxBytes} bytes`);
    yield chunk;
  }
}

/** tar's streams are not Node's: pipeline() would wait for events that they never emit. */
async function feed(unpack: Unpack, chunks: AsyncIterable<Buffer>, signal?: AbortSignal): Promise<void> {
  const closed = once(unpack, 'close', { signal });
  closed.catch(() => {});
  for await (const chunk of chunks) {
    // An error, which write() may meet at once, is what `closed` rejects with; no 'drain' comes after it.
    if (!unpack.write(chunk)) await Promise.race([once(unpack, 'drain', { signal }), closed]);
  }
  unpack.end();
  await closed;
}

function isTopLevelFile(path: string, entry: ReadEntry): boolean {
  return entry.type === 'File' && path.split('/').length === 2;
}
