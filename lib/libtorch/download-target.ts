// Owns which address the archive of LibTorch comes from, and where its download is kept. Must not download.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { cacheRoot } from '../cache.js';
import { isCudaVariant } from './variant.js';
import { BUILD_VERSION } from './version.js';

/**
 * No checksum of this archive is known beforehand: that it comes over TLS, and what it must hold, has to do.
 * There are such archives of CUDA variants, but NVIDIA's libraries, which they cannot be loaded without, are not in them
 * (https://github.com/pytorch/pytorch/issues/183971): those come as wheels.
 */
export const OFFICIAL_CPU_URL = `https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-${BUILD_VERSION}%2Bcpu.zip`;

export interface DownloadTarget {
  url: string;
  path: string;
}

/** The name follows the address, so that a partial file is only continued from where it came. */
export function downloadTarget(variant: string): DownloadTarget | undefined {
  const official = isCudaVariant(variant) ? undefined : OFFICIAL_CPU_URL;
  const url = process.env.CIFAR10_TORCH_LIBTORCH_URL || official;
  if (url === undefined) return undefined;
  return { url, path: downloadPath(url) };
}

function downloadPath(url: string): string {
  const id = createHash('sha256').update(url).digest('hex').slice(0, 8);
  return join(cacheRoot(), `.libtorch-download-${id}.zip`);
}

/** Where a download may go on: of the addresses that a later call may ask. */
export function resumablePaths(): string[] {
  const urls = [OFFICIAL_CPU_URL, process.env.CIFAR10_TORCH_LIBTORCH_URL];
  return urls.flatMap((url) => (url ? [downloadPath(url)] : []));
}
