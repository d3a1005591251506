// Owns unpacking a tar stream: only files of known name and bearable size, straight into one folder.
// Everything else in the archive (links, other names, other depths) is left out.
import { once } from 'node:events';
import { basename } from 'node:path';
import { type ReadEntry, Unpack } from 'tar';

export interface ExtractOptions {
  folder: string;
  /** Whether a file of this name and size is wanted. */
  wants: (name: string, sizeBytes: number) => boolean;
  onBytes?: (bytes: number) => void;
  signal?: AbortSignal | undefined;
}

/** Unpacks the wanted files of the archive's top folder into `folder`; gzip is recognized. */
export async function extractWanted(
  chunks: AsyncIterable<Buffer>,
  { folder, wants, onBytes, signal }: ExtractOptions,
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
  // tar's streams are not Node's: pipeline() would wait for events that they never emit.
  const closed = once(unpack, 'close');
  closed.catch(() => {});
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    onBytes?.(chunk.length);
    if (!unpack.write(chunk)) await once(unpack, 'drain');
  }
  unpack.end();
  await closed;
}

function isTopLevelFile(path: string, entry: ReadEntry): boolean {
  return entry.type === 'File' && path.split('/').length === 2;
}
