// Owns the check of a folder's files against their known sizes and checksums.
// Must not decide what a fault means: callers word the error.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, systemCode } from '../errors.js';
import { type HashOptions, hashFile } from '../hash-file.js';
import { type BatchFile, type BatchTable, filesOf } from './facts.js';

export interface FileFault {
  file: BatchFile;
  path: string;
  /** Not there, or not to be opened; else its content is wrong. */
  isMissing: boolean;
  expected: string;
  found: string;
}

/** The first file of `table` in `folder` that is missing or wrong; all sizes are checked before any checksum. */
export async function findFault(
  folder: string,
  table: BatchTable,
  options: HashOptions = {},
): Promise<FileFault | undefined> {
  const files = filesOf(table);
  for (const file of files) {
    const fault = await findSizeFault(folder, file);
    if (fault) return fault;
  }
  for (const file of files) {
    const path = join(folder, file.name);
    const expected = `md5 ${file.md5}`;
    try {
      const md5 = await hashFile(path, 'md5', options);
      if (md5 !== file.md5) return { file, path, isMissing: false, expected, found: `md5 ${md5}` };
    } catch (error) {
      if (options.signal?.aborted) throw error;
      return { file, path, isMissing: true, expected, found: reasonOf(error) };
    }
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
    return { file, path, isMissing: true, expected, found: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'no such file' : (code ?? errorMessage(error));
}
