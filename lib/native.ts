// Owns loading the native addon in two stages: the loader addon opens LibTorch, then the addon itself is required.
// Must not touch the network nor depend on LD_LIBRARY_PATH; every failure says which command mends it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { removeHalfWritten } from './atomic.js';
import { Cifar10Error, errorMessage } from './errors.js';
import {
  assertCanLoad,
  haveSameAbi,
  type LocatedLibtorch,
  locateLibtorch,
  runtimeLibraries,
} from './libtorch/index.js';
import type { NativeAddon } from './native-addon.js';
import { PACKAGE_ROOT } from './package-root.js';

/** What native/loader exports. */
interface Loader {
  /** The LibTorch version that the addon was compiled against. */
  builtForVersion: string;
  /** Throws an `Error` with the linker's message and the path as `library`. */
  openLibraries(paths: string[]): void;
}

const require = createRequire(import.meta.url);
const nodeGypBuild = require('node-gyp-build') as { path(packageRoot: string): string };
const BUILD_STEP = 'run `npx cifar10-torch build`';

/**
 * How often a thread of OpenMP's looks whether it can go on, before it sleeps. Its own 300,000 times are milliseconds, which it takes
 * from the thread that it waits for where a processor has other work: a forward pass of half a millisecond then took fifty.
 * Asleep it is woken later: that costs a few percent where there is nothing else to do. libgomp, "GOMP_SPINCOUNT".
 */
const SHORT_SPIN = { variable: 'GOMP_SPINCOUNT', value: '1000', unless: 'OMP_WAIT_POLICY' } as const;

let loaded: NativeAddon | undefined;
let expectsOtherWork = false;

/**
 * Loads LibTorch and the addon into this thread, at the first call only.
 * Errors: `PLATFORM_UNSUPPORTED`, `ADDON_NOT_BUILT`, `ADDON_LOAD_FAILED`, `LIBTORCH_NOT_FOUND`, `LIBTORCH_VERSION`,
 * `LIBTORCH_LOAD_FAILED`.
 */
export function loadNative(): NativeAddon {
  loaded ??= loadBothStages();
  return loaded;
}

/**
 * Says that the processors will have other work than the model's, such as decoding images. Of effect before the addon is
 * loaded, and in the main thread, whose environment alone is that of the process.
 */
export function expectOtherWork(): void {
  expectsOtherWork = true;
}

/**
 * Ends the process without waiting for a training step under way, for the user who asks a second time. Where the addon
 * is loaded, nothing that listens to the exit of the process is called. Removes what was being written. `code`: that of
 * the process.
 *
 * @category Training
 */
export function exitImmediately(code: number): never {
  removeHalfWritten();
  return loaded === undefined ? process.exit(code) : loaded.exitImmediately(code);
}

/** Absolute path of the built addon. Errors: `ADDON_NOT_BUILT`. */
export function findAddon(): string {
  try {
    return nodeGypBuild.path(PACKAGE_ROOT);
  } catch (error) {
    throw notBuilt('an addon in build/Release or prebuilds', 'none', error);
  }
}

function loadBothStages(): NativeAddon {
  assertCanLoad();
  const addonPath = findAddon();
  const loader = loadLoader(join(dirname(addonPath), 'cifar10_torch_loader.so'));
  const libtorch = locateLibtorch({ builtForVersion: loader.builtForVersion });
  // An explicit folder is not passed over for its version; calling into another ABI would crash.
  if (!haveSameAbi(libtorch.version, loader.builtForVersion))
    throw wrongVersion(libtorch, loader.builtForVersion);
  openLibtorch(loader, libtorch);
  const addon = requireAddon(addonPath);
  // An exiting process runs no cleanup hooks of the addon, but destroys LibTorch's static objects.
  process.once('exit', () => addon.stopJobs());
  return addon;
}

function requireAddon(path: string): NativeAddon {
  try {
    return require(path) as NativeAddon;
  } catch (error) {
    throw addonLoadFailed(path, error);
  }
}

function loadLoader(path: string): Loader {
  if (!existsSync(path)) throw notBuilt(`the file "${path}"`, 'none');
  const target = { exports: {} };
  try {
    process.dlopen(target, path);
  } catch (error) {
    throw addonLoadFailed(path, error);
  }
  return target.exports as Loader;
}

function openLibtorch(loader: Loader, { path, version, variant }: LocatedLibtorch): void {
  try {
    const open = () => loader.openLibraries(runtimeLibraries(path));
    const hasChosen = SHORT_SPIN.variable in process.env || SHORT_SPIN.unless in process.env;
    if (expectsOtherWork && !hasChosen) withShortSpin(open);
    else open();
  } catch (error) {
    throw new Cifar10Error('LIBTORCH_LOAD_FAILED', {
      what: `LibTorch ${version} (${variant}) at "${path}" cannot be loaded`,
      found: errorMessage(error),
      nextStep:
        'run `npx cifar10-torch doctor`, then `npx cifar10-torch install-runtime` for a whole LibTorch',
      cause: error,
    });
  }
}

/** Processes that are started later see nothing of it. */
function withShortSpin(open: () => void): void {
  const { variable, value } = SHORT_SPIN;
  process.env[variable] = value;
  try {
    open();
  } finally {
    delete process.env[variable];
  }
}

function wrongVersion({ path, version }: LocatedLibtorch, builtForVersion: string): Cifar10Error {
  const abi = builtForVersion.split('.').slice(0, 2).join('.');
  return new Cifar10Error('LIBTORCH_VERSION', {
    what: `LibTorch at "${path}" does not fit the addon`,
    expected: `version ${abi}, which the addon was built for`,
    found: version,
    nextStep: `unset LIBTORCH and run \`npx cifar10-torch install-runtime\`, or build the addon for ${version}`,
  });
}

function notBuilt(expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('ADDON_NOT_BUILT', {
    what: 'the native addon is missing',
    expected,
    found,
    nextStep: BUILD_STEP,
    cause,
  });
}

function addonLoadFailed(path: string, cause: unknown): Cifar10Error {
  return new Cifar10Error('ADDON_LOAD_FAILED', {
    what: `the native addon "${path}" cannot be loaded`,
    found: errorMessage(cause),
    nextStep: BUILD_STEP,
    cause,
  });
}
