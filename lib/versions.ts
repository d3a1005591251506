// Owns the versions of what this package runs on. Must not load the addon.
import { locateLibtorch } from './libtorch/index.js';
import { VERSION } from './version.js';

export interface Versions {
  cifar10Torch: string;
  node: string;
  /** Null where none is found. */
  libtorch: { version: string; variant: string; path: string } | null;
  /** The CUDA version that LibTorch was built for: `13.0`; null for one without CUDA. */
  cuda: string | null;
}

/** The versions found, as `doctor` finds them. Never throws. */
export function versions(): Versions {
  const libtorch = findLibtorch();
  const [, major, minor] = /^cu(\d+)(\d)$/.exec(libtorch?.variant ?? '') ?? [];
  const cuda = major === undefined ? null : `${major}.${minor}`;
  return { cifar10Torch: VERSION, node: process.versions.node, libtorch, cuda };
}

function findLibtorch(): Versions['libtorch'] {
  try {
    const { version, variant, path } = locateLibtorch();
    return { version, variant, path };
  } catch {
    return null;
  }
}
