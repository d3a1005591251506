// Owns the checks of what this process runs on: Node.js, the operating system, the C library.
// Must not know the limits of LibTorch's binaries: lib/libtorch/platform.ts does.
import { assertPlatformSupported, type Platform } from '../libtorch/index.js';
import type { Finding } from './check.js';

/** The oldest of each line that `require`s ES modules without a flag. */
const OLDEST_OF_LINE = { 20: '20.19', 22: '22.12' };
const FITTING = '20.19, 22.12, 23 or newer';
const ANY_NEW_GLIBC = '99'; // passes, so that only the operating system is judged

export function judgeNode(version: string): Finding {
  const details = { version, fitting: FITTING };
  if (fits(version)) return { status: 'ok', found: version, details };
  const nextStep = `install Node.js ${FITTING}`;
  return { status: 'failure', found: `${version} does not fit`, nextStep, details };
}

function fits(version: string): boolean {
  const major = Number.parseInt(version, 10);
  if (major >= 23) return true;
  const oldest = Object.entries(OLDEST_OF_LINE).find(([line]) => Number(line) === major)?.[1];
  return oldest !== undefined && version.localeCompare(oldest, 'en', { numeric: true }) >= 0;
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
