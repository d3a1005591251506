// Owns giving verified files their final names.
// Must not replace anything while it can still be known that the rest will fail.
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { refuseFolder, syncFolder } from '../atomic.js';
import { type BatchTable, filesOf } from './facts.js';

/** Moves the files of `table` from `staging` to `folder`, one after the other, when all of them are on the disk. */
export async function publishFiles(
  staging: string,
  folder: string,
  table: BatchTable,
  signal?: AbortSignal,
): Promise<void> {
  const names = filesOf(table).map(({ name }) => name);
  for (const name of names) await syncFile(join(staging, name));
  await refuseFoldersInPlace(folder, table);
  for (const name of names) {
    // Whoever has lost the lock meanwhile must not touch the folder any more.
    signal?.throwIfAborted();
    await rename(join(staging, name), join(folder, name));
  }
  await syncFolder(folder);
}

/** Errors: `NOT_WRITABLE` for a folder that has the name of a file. */
export async function refuseFoldersInPlace(folder: string, table: BatchTable): Promise<void> {
  for (const { name } of filesOf(table)) await refuseFolder(join(folder, name));
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
