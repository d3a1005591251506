// Owns the answer to "which LibTorch is used": an explicit folder, the user's cache, Python's PyTorch, in this order; in the
// cache one for CUDA where a driver can use it, else one for the processor.
// Must not change anything on disk nor touch the network; synchronous, because loading the addon is.
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheRoot } from '../cache.js';
import { Cifar10Error, errorMessage } from '../errors.js';
import { type Driver, peekDriver } from './driver.js';
import { checkLibtorch } from './folder.js';
import { findPythonTorch } from './python.js';
import { isCudaVariant, isDriverEnough } from './variant.js';
import { ACCEPTED_VERSIONS, BUILD_VERSION, haveSameAbi, type TorchVersion } from './version.js';

/**
 * A LibTorch on this machine.
 *
 * @category Diagnostics
 */
export interface LocatedLibtorch extends TorchVersion {
  /** Absolute path of the folder that holds lib/ (and include/). */
  path: string;
  /** Why it was taken: a folder that was given, the variable `LIBTORCH`, the cache folder, Python's PyTorch. */
  source: 'option' | 'environment' | 'cache' | 'python';
}

export interface LocateOptions {
  /** The folder to use; wins over the environment variable `LIBTORCH`. */
  path?: string | undefined;
  /** Pass over those in the cache and in Python that an addon built for this version cannot use. */
  builtForVersion?: string | undefined;
  /** Whether a program shall be compiled against it. */
  needsHeaders?: boolean | undefined;
}

/** Where the cache keeps this version. */
export function cachedFolder({ version, variant }: TorchVersion): string {
  return join(cacheRoot(), `libtorch-${version}-${variant}`);
}

/**
 * Finds a whole LibTorch of an accepted version.
 * An explicit folder is used or refused, never passed over.
 * Errors: `LIBTORCH_NOT_FOUND`, `LIBTORCH_VERSION`.
 */
export function locateLibtorch(options: LocateOptions = {}): LocatedLibtorch {
  const { needsHeaders = false } = options;
  if (options.path) return check(options.path, 'option', needsHeaders);
  if (process.env.LIBTORCH) return check(process.env.LIBTORCH, 'environment', needsHeaders);
  const reasons: string[] = [];
  for (const [path, source] of searchedFolders()) {
    try {
      const found = check(path, source, needsHeaders);
      if (haveSameAbi(found.version, options.builtForVersion ?? found.version)) return found;
      reasons.push(`version ${found.version} at "${path}"`);
    } catch (error) {
      reasons.push(error instanceof Cifar10Error ? describe(path, error) : errorMessage(error));
    }
  }
  throw notFound(options.builtForVersion, reasons);
}

/** A whole LibTorch of the build version in the cache, if there is one; of this variant, if one is given. */
export function findInstalled(variant?: string): LocatedLibtorch | undefined {
  for (const path of cachedFolders()) {
    try {
      const found = check(path, 'cache', true);
      if (found.version === BUILD_VERSION && found.variant === (variant ?? found.variant)) return found;
    } catch {
      // Not whole, or not ours: the installer replaces it.
    }
  }
  return undefined;
}

/** Lazy, so that Python is only asked where the cache has nothing. */
function* searchedFolders(): Generator<[string, LocatedLibtorch['source']]> {
  for (const path of cachedFolders()) yield [path, 'cache'];
  const python = findPythonTorch();
  if (python !== undefined) yield [python, 'python'];
}

/** The build version first, then what the driver, or none, can use best, then the one installed last. */
function cachedFolders(): string[] {
  const driver = peekDriver();
  return listFolders(cacheRoot())
    .flatMap((name) => {
      const [, version, variant] = /^libtorch-(\d+\.\d+\.\d+)-([A-Za-z0-9.]+)$/.exec(name) ?? [];
      return variant === undefined ? [] : [{ path: join(cacheRoot(), name), version, variant }];
    })
    .map(({ path, version, variant }) => ({
      path,
      isBuildVersion: Number(version === BUILD_VERSION),
      usefulness: usefulness(variant, driver),
      installedMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort(
      (a, b) =>
        b.isBuildVersion - a.isBuildVersion || b.usefulness - a.usefulness || b.installedMs - a.installedMs,
    )
    .map(({ path }) => path);
}

/** One for CUDA works without a driver as well, on the processor: after one that is smaller and loads faster. */
function usefulness(variant: string, driver: Driver | undefined): number {
  if (!isCudaVariant(variant)) return 1;
  return driver !== undefined && isDriverEnough(driver, variant) ? 2 : 0;
}

function listFolders(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function check(path: string, source: LocatedLibtorch['source'], needsHeaders: boolean): LocatedLibtorch {
  const absolute = resolve(path);
  return { path: absolute, ...checkLibtorch(absolute, needsHeaders), source };
}

function describe(path: string, { expected, found }: Cifar10Error): string {
  return `"${path}" (expected ${expected}, found ${found})`;
}

function notFound(builtForVersion: string | undefined, reasons: string[]): Cifar10Error {
  const version = builtForVersion?.split('.').slice(0, 2).join('.') ?? ACCEPTED_VERSIONS;
  return new Cifar10Error('LIBTORCH_NOT_FOUND', {
    what: 'no usable LibTorch is on this machine',
    expected: `LibTorch ${version} in LIBTORCH, in "${cacheRoot()}" or in Python`,
    found: reasons.length > 0 ? reasons.join('; ') : 'none',
    nextStep: 'run `npx cifar10-torch install-runtime`',
  });
}
