// Owns the check of the free space for downloads.
import { statfsSync } from 'node:fs';
import { cacheRoot } from '../cache.js';
import type { Finding } from './check.js';
import { nearestExisting } from './nearest-existing.js';
import { GIB, gib } from './units.js';

/** LibTorch, its archive and CIFAR-10; for CUDA the wheels as well (docs/installation.md). */
const ENOUGH_GIB = { cpu: 2, cuda: 8 };

/** `isCuda`: whether a LibTorch for CUDA is what would be installed. */
export function checkDiskSpace(isCuda: boolean): Finding {
  const enoughBytes = GIB * (isCuda ? ENOUGH_GIB.cuda : ENOUGH_GIB.cpu);
  const { bavail, bsize } = statfsSync(nearestExisting(cacheRoot()));
  const freeBytes = bavail * bsize;
  const found = `${gib(freeBytes)} free for the cache folder`;
  const details = { freeBytes, enoughBytes };
  if (freeBytes >= enoughBytes) return { status: 'ok', found, details };
  const nextStep = 'free some space or set CIFAR10_TORCH_CACHE to a folder on another disk';
  return { status: 'warning', found, nextStep, details };
}
