// Owns the check of the cache folder: where it is, whether it can be written, and what in it takes how much room.
// Must not create or remove anything.
import { accessSync, constants, existsSync, readlinkSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../cache.js';
import type { Finding } from './check.js';
import { type MeasuredSize, measure } from './folder-size.js';
import { nearestExisting } from './nearest-existing.js';
import { size } from './units.js';

const MEASURE_MS = 5_000;
const LISTED = 6; // the largest; a folder that is not only ours may hold hundreds
/** Of installations and downloads that go on or were broken off: lib/libtorch/leftovers.ts, lib/download, lib/lock.ts. */
const UNFINISHED = /\.tmp$|\.part$|\.lock$|^\.libtorch-download-/;

interface CacheEntry extends MeasuredSize {
  name: string;
}

export async function checkCacheFolder(): Promise<Finding> {
  const path = cacheRoot();
  const details = { path, isWritable: !isDangling(path) && isWritable(nearestExisting(path)) };
  if (!details.isWritable) {
    const nextStep = 'set CIFAR10_TORCH_CACHE to a folder that this user may read and write';
    return { status: 'failure', found: `"${path}" is not writable`, nextStep, details };
  }
  const entries = await measureEntries(path);
  const totalBytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const isWhole = entries.every((entry) => entry.isWhole);
  return {
    status: 'ok',
    found: describe(path, entries, `${isWhole ? '' : 'at least '}${size(totalBytes)}`),
    details: { ...details, totalBytes, isWhole, entries },
  };
}

/** A link to a disk that is not mounted: nothing can be created under this name. */
function isDangling(path: string): boolean {
  try {
    readlinkSync(path);
    return !existsSync(path);
  } catch {
    return false;
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return statSync(folder).isDirectory();
  } catch {
    return false;
  }
}

/** The largest first; none where the folder is not there yet or cannot be read. */
async function measureEntries(folder: string): Promise<CacheEntry[]> {
  const deadlineMs = performance.now() + MEASURE_MS;
  const names = await readdir(folder).catch(() => []);
  const entries: CacheEntry[] = [];
  for (const name of names) entries.push({ name, ...(await measure(join(folder, name), deadlineMs)) });
  return entries.sort((a, b) => b.sizeBytes - a.sizeBytes);
}

function describe(path: string, entries: readonly CacheEntry[], total: string): string {
  if (entries.length === 0) return `${path} (empty)`;
  const listed = entries.slice(0, LISTED).map(({ name, sizeBytes, isWhole }) => {
    const kind = UNFINISHED.test(name) ? ' (unfinished)' : '';
    return `${name}${kind} ${isWhole ? '' : 'at least '}${size(sizeBytes)}`;
  });
  const rest = entries.length > LISTED ? [`${entries.length - LISTED} more`] : [];
  return `${path}, ${total}: ${[...listed, ...rest].join(', ')}`;
}
