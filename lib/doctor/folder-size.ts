// Owns measuring a file or folder within a bounded time. Must not follow symbolic links nor change anything.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface MeasuredSize {
  sizeBytes: number;
  /** False where time ran out or something could not be read: the size is then a lower bound. */
  isWhole: boolean;
}

/** The bytes of all files below `path`; stops at `deadlineMs` of `performance.now()`. */
export async function measure(path: string, deadlineMs: number): Promise<MeasuredSize> {
  if (performance.now() > deadlineMs) return { sizeBytes: 0, isWhole: false };
  try {
    const status = await lstat(path);
    if (!status.isDirectory()) return { sizeBytes: status.size, isWhole: true };
    const total = { sizeBytes: 0, isWhole: true };
    for (const name of await readdir(path)) {
      const part = await measure(join(path, name), deadlineMs);
      total.sizeBytes += part.sizeBytes;
      total.isWhole &&= part.isWhole;
    }
    return total;
  } catch {
    return { sizeBytes: 0, isWhole: false };
  }
}
