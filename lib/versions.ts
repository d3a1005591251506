// Owns the versions of what this package runs on. Must not load the addon.
import { locateLibtorch } from './libtorch/index.js';
import { VERSION } from './version.js';

/**
 * The versions of this package and of what it runs on.
 *
 * @category Diagnostics
 */
export interface Versions {
  /** Of this package. */
  cifar10Torch: string;
  /** Of Node.js, without the `v`. */
  node: string;
  /** The one that is found first; null where none is. */
  libtorch: {
    /** Three numbers: `2.13.0`. */
    version: string;
    /** What it was compiled for: `cpu`, `cu130`… */
    variant: string;
    /** Absolute path of its folder. */
    path: string;
  } | null;
  /** The CUDA version that LibTorch was built for: `13.0`; null for one without CUDA. */
  cuda: string | null;
}

/**
 * The versions found, as `doctor` finds them. Never throws.
 *
 * @category Diagnostics
 */
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
