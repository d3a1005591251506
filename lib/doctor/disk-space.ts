// Owns the check of the free space for downloads.
import { statfsSync } from 'node:fs';
import { cacheRoot } from '../cache.js';
import type { Finding } from './check.js';
import { nearestExisting } from './nearest-existing.js';
import { GIB, gib } from './units.js';

/** CIFAR-10, and what is still to be installed of LibTorch with its archive; for CUDA the wheels (docs/installation.md). */
const ENOUGH_GIB = { nothing: 1, cpu: 2, cuda: 8 };

/** `missing`: the LibTorch that is to be installed. */
export function checkDiskSpace(missing: keyof typeof ENOUGH_GIB): Finding {
  const enoughBytes = GIB * ENOUGH_GIB[missing];
  const { bavail, bsize } = statfsSync(nearestExisting(cacheRoot()));
  const freeBytes = bavail * bsize;
  const found = `${gib(freeBytes)} free for the cache folder`;
  const details = { freeBytes, enoughBytes };
  if (freeBytes >= enoughBytes) return { status: 'ok', found, details };
  const nextStep = 'free some space or set CIFAR10_TORCH_CACHE to a folder on another disk';
  return { status: 'warning', found, nextStep, details };
}
