// Owns the check of the free space for downloads.
import { statfsSync } from 'node:fs';
import { cacheRoot } from '../cache.js';
import type { Finding } from './check.js';
import { nearestExisting } from './nearest-existing.js';
import { GIB, gib } from './units.js';

const ENOUGH_BYTES = 2 * GIB; // LibTorch, its archive and CIFAR-10

export function checkDiskSpace(): Finding {
  const { bavail, bsize } = statfsSync(nearestExisting(cacheRoot()));
  const freeBytes = bavail * bsize;
  const found = `${gib(freeBytes)} free for the cache folder`;
  const details = { freeBytes, enoughBytes: ENOUGH_BYTES };
  if (freeBytes >= ENOUGH_BYTES) return { status: 'ok', found, details };
  const nextStep = 'free some space or set CIFAR10_TORCH_CACHE to a folder on another disk';
  return { status: 'warning', found, nextStep, details };
}
