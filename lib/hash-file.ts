// Owns the digest of a file, without loading it into memory.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const CHUNK_BYTES = 1 << 20;

export interface HashOptions {
  signal?: AbortSignal | undefined;
  onBytes?: ((bytes: number) => void) | undefined;
}

/** The hex digest of a file, read in pieces so that the event loop goes on between them. */
export async function hashFile(
  path: string | Buffer,
  algorithm: 'md5' | 'sha256',
  options: HashOptions = {},
) {
  const hash = createHash(algorithm);
  const update = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      options.onBytes?.(chunk.length);
    }
  };
  const { signal } = options;
  await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), update, signal ? { signal } : {});
  return hash.digest('hex');
}
