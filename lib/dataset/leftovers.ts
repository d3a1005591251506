// Owns what a download keeps in the dataset's folder beside the dataset, and what of it a killed one leaves there.
// Must touch nothing but names of its own: the folder may hold other things of the user's.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isTemporary, temporaryPath } from '../atomic.js';
import { discardPartialDownload } from '../download/index.js';

const STAGING_NAME = 'cifar10-torch-staging';
const ARCHIVE_NAME = '.cifar-10-binary.tar.gz';

/** A folder in `folder` that no other call uses: one that was suspended and lost its lock may go on at any moment. */
export function stagingPath(folder: string): string {
  return temporaryPath(join(folder, STAGING_NAME));
}

/** Where the official archive is downloaded to; what has this name has the right checksum. */
export function archivePath(folder: string): string {
  return join(folder, ARCHIVE_NAME);
}

/** Whether a download that was killed has left anything in `folder`, or one is at work there. */
export async function hasLeftovers(folder: string): Promise<boolean> {
  return (await namesIn(folder)).some((name) => isStaging(name) || name.startsWith(ARCHIVE_NAME));
}

/** Removes the staging folders of killed downloads; only for the holder of the lock. */
export async function removeStagings(folder: string): Promise<void> {
  for (const name of (await namesIn(folder)).filter(isStaging)) await removeStaging(join(folder, name));
}

/** Does what can be done: one that stays is in nobody's way, and the next download tries again. */
export async function removeStaging(staging: string): Promise<void> {
  await rm(staging, { recursive: true, force: true }).catch(() => undefined);
}

/** Removes the archive, whole or partial, that a download left in `folder`, if that can be done. */
export async function discardArchive(folder: string): Promise<void> {
  const archive = archivePath(folder);
  await discardPartialDownload(archive).catch(() => undefined);
  await rm(archive, { force: true }).catch(() => undefined);
}

function isStaging(name: string): boolean {
  return name.startsWith(`.${STAGING_NAME}.`) && isTemporary(name);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
