// Owns the question whether LibTorch's binaries run on this machine at all. Must not look for LibTorch.
import { Cifar10Error } from '../errors.js';

const OLDEST_GLIBC = '2.28'; // of the manylinux_2_28 wheels that PyTorch is published as

const UNTESTED_SYSTEMS = ['darwin', 'win32'];
const INSTALLATION_GUIDE = 'docs/installation.md of the package';

export interface Platform {
  os: string;
  arch: string;
  /** `undefined` where the C library is another one, as musl on Alpine. */
  glibcVersion: string | undefined;
}

/** The platform this process runs on. */
export function currentPlatform(): Platform {
  const { report } = process as unknown as { report: { excludeNetwork?: boolean; getReport(): unknown } };
  // Without this, a report resolves the names of open sockets, which may take seconds.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return { os: process.platform, arch: process.arch, glibcVersion: header.glibcVersionRuntime };
}

/** Errors: `PLATFORM_UNSUPPORTED` for another system than Linux on x64 or arm64 with glibc 2.28 or newer. */
export function assertPlatformSupported(platform: Platform = currentPlatform()): void {
  const { os, arch, glibcVersion } = platform;
  if (os !== 'linux' || !['x64', 'arm64'].includes(arch))
    throw unsupported(
      'Linux on x64 or arm64',
      `${os} on ${arch}`,
      UNTESTED_SYSTEMS.includes(os)
        ? `use a Linux machine, WSL 2 or a container, or build it here untested: ${INSTALLATION_GUIDE}`
        : 'use a Linux machine or a container',
    );
  if (glibcVersion === undefined)
    throw unsupported(
      'the GNU C library',
      'another one, such as musl on Alpine',
      'use an image with glibc, such as node:22-bookworm-slim',
    );
  if (isOlder(glibcVersion, OLDEST_GLIBC))
    throw unsupported(
      `glibc ${OLDEST_GLIBC} or newer`,
      `glibc ${glibcVersion}`,
      'use a newer distribution: Debian 10, Ubuntu 20.04, RHEL 8 or later',
    );
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0;
}

function unsupported(expected: string, found: string, nextStep: string): Cifar10Error {
  return new Cifar10Error('PLATFORM_UNSUPPORTED', {
    what: 'LibTorch does not run on this platform',
    expected,
    found,
    nextStep,
  });
}

/**
 * Errors: `PLATFORM_UNSUPPORTED` where LibTorch cannot be loaded: as above, but macOS and Windows may be tried with the
 * environment variable CIFAR10_TORCH_UNTESTED=1, with a LibTorch and an addon of one's own.
 */
export function assertCanLoad(platform: Platform = currentPlatform()): void {
  const isTried = UNTESTED_SYSTEMS.includes(platform.os) && process.env.CIFAR10_TORCH_UNTESTED === '1';
  if (!isTried) assertPlatformSupported(platform);
}
