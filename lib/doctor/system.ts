// Owns the checks of what this process runs on: Node.js, the operating system, the C library.
// Must not know the limits of LibTorch's binaries: lib/libtorch/platform.ts does.
import { assertPlatformSupported, type Platform } from '../libtorch/index.js';
import type { Finding } from './check.js';

const OLDEST_NODE = '20.19';
const ANY_NEW_GLIBC = '99'; // passes, so that only the operating system is judged

export function judgeNode(version: string): Finding {
  const details = { version, oldestVersion: OLDEST_NODE };
  if (version.localeCompare(OLDEST_NODE, 'en', { numeric: true }) >= 0)
    return { status: 'ok', found: version, details };
  const nextStep = `install Node.js ${OLDEST_NODE} or newer`;
  return { status: 'failure', found: `${version} is too old`, nextStep, details };
}

/** Errors: `PLATFORM_UNSUPPORTED`. */
export function judgePlatform({ os, arch }: Platform): Finding {
  assertPlatformSupported({ os, arch, glibcVersion: ANY_NEW_GLIBC });
  return { status: 'ok', found: `${os} ${arch}`, details: { os, arch } };
}

/** Errors: `PLATFORM_UNSUPPORTED`. */
export function judgeLibc({ glibcVersion }: Platform): Finding {
  assertPlatformSupported({ os: 'linux', arch: 'x64', glibcVersion });
  return { status: 'ok', found: `glibc ${glibcVersion}`, details: { name: 'glibc', version: glibcVersion } };
}
