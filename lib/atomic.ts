// Owns writing files and folders so that a reader sees the old content or the new, never a part of it:
// a temporary name beside the target, fsync, rename, fsync of the folder. Must not know what is written.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Cifar10Error, writeError } from './errors.js';

/** A name beside `path` that no other process uses; on the same file system, so that rename is atomic. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
}

/** Whether a file of that name is one that was being written. */
export function isTemporary(name: string): boolean {
  return /^\..+\.\d+\.[0-9a-f]{8}\.tmp$/.test(name);
}

/** Files that this process is writing right now. */
const halfWritten = new Set<string>();

/** For a process about to end without waiting: removes what it has half-written. */
export function removeHalfWritten(): void {
  for (const path of halfWritten) rmSync(path, { force: true });
}

/** A folder that has the name of a file cannot be replaced by it, and what it holds is not ours to remove. Errors: `NOT_WRITABLE`. */
export async function refuseFolder(path: string): Promise<void> {
  if (!(await lstat(path).catch(() => undefined))?.isDirectory()) return;
  throw new Cifar10Error('NOT_WRITABLE', {
    what: `"${path}" cannot be written`,
    expected: 'a file, or nothing of that name',
    found: 'a folder',
    nextStep: 'move it away or choose another folder',
  });
}

/** Makes the entry just created or renamed in `folder` survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes the chunks to `path`, replacing what was there only when all of them are on the disk.
 * Creates the folder if missing.
 * Errors: `DISK_FULL`, `NOT_WRITABLE`; the temporary file is removed and the old content is intact.
 */
export async function writeFileAtomic(path: string, chunks: Iterable<Uint8Array | string>): Promise<void> {
  const temporary = temporaryPath(path);
  halfWritten.add(temporary);
  try {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(temporary, 'wx');
    try {
      for (const chunk of chunks) await handle.appendFile(chunk);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  } finally {
    halfWritten.delete(temporary);
  }
}
