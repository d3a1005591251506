// Owns removing from the cache what installers of LibTorch that crashed have left there. Must not touch what is whole, nor
// anything while an installer is at work: its caller holds the lock.
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheRoot } from '../cache.js';
import { errorMessage, systemCode, writeError } from '../errors.js';

/** Half-unpacked folders, and archives that were not unpacked to the end. */
const LEFTOVER = /^\.libtorch-(.*\.tmp|download-[0-9a-f]{8}\.zip)$/;
const PARTIAL = /^(\.libtorch-download-[0-9a-f]{8}\.zip)\.part(\.etag)?$/;

/**
 * Paths of all of them. Partial downloads to `resumable` paths are not among them: those are gone on with, and others, of
 * an address that is no longer used, never are.
 * Errors: `NOT_WRITABLE` for a cache that cannot be read.
 */
export async function findLeftovers(resumable: readonly string[]): Promise<string[]> {
  const kept = resumable.map((path) => basename(path));
  const isLeft = (name: string) => {
    const of = PARTIAL.exec(name)?.[1];
    return of === undefined ? LEFTOVER.test(name) : !kept.includes(of);
  };
  try {
    const names = await readdir(cacheRoot());
    return names.filter(isLeft).map((name) => join(cacheRoot(), name));
  } catch (error) {
    throw writeError(cacheRoot(), error);
  }
}

/** One that cannot be removed takes room, which is no reason to fail: one line says so. */
export async function removeLeftovers(
  resumable: readonly string[],
  onMessage: (line: string) => void,
): Promise<void> {
  for (const path of await findLeftovers(resumable))
    await rm(path, { recursive: true, force: true }).catch((error) =>
      onMessage(`"${path}", which an earlier installation left, cannot be removed: ${reasonOf(error)}`),
    );
}

/** For what is no longer needed, where another failure or a success is to be told: the next installer removes it. */
export async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

function reasonOf(error: unknown): string {
  return systemCode(error) ?? errorMessage(error);
}
