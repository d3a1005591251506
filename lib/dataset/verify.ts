// Owns the check of one file against its known size and checksum, without loading it into memory.
// Must not decide what a fault means: callers word the error.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemCode } from '../errors.js';
import { type BatchFile, type BatchTable, filesOf } from './facts.js';

const CHUNK_BYTES = 1 << 20;

export interface FileFault {
  file: BatchFile;
  path: string;
  isMissing: boolean;
  expected: string;
  found: string;
}

export interface VerifyOptions {
  signal?: AbortSignal | undefined;
  onBytes?: ((bytes: number) => void) | undefined;
}

/** The hex digest of a file, read in pieces so that the event loop goes on between them. */
export async function hashFile(path: string, algorithm: 'md5' | 'sha256', options: VerifyOptions = {}) {
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

/** The first file of `table` in `folder` that is missing or wrong; all sizes are checked before any checksum. */
export async function findFault(
  folder: string,
  table: BatchTable,
  options: VerifyOptions = {},
): Promise<FileFault | undefined> {
  const files = filesOf(table);
  for (const file of files) {
    const fault = await findSizeFault(folder, file);
    if (fault) return fault;
  }
  for (const file of files) {
    const path = join(folder, file.name);
    const md5 = await hashFile(path, 'md5', options);
    if (md5 !== file.md5)
      return { file, path, isMissing: false, expected: `md5 ${file.md5}`, found: `md5 ${md5}` };
  }
  return undefined;
}

async function findSizeFault(folder: string, file: BatchFile): Promise<FileFault | undefined> {
  const path = join(folder, file.name);
  const expected = `${file.sizeBytes} bytes`;
  try {
    const { size } = await stat(path);
    return size === file.sizeBytes
      ? undefined
      : { file, path, isMissing: false, expected, found: `${size} bytes` };
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') throw error;
    return { file, path, isMissing: true, expected, found: 'no such file' };
  }
}
