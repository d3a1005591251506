// Owns making sure that the user's cache holds a LibTorch: what is reused, what is fetched, and one installer at a time.
// Must not decide which LibTorch is used; locate.ts does. Which variants there are is in variant.ts.
import { join, resolve } from 'node:path';
import { cacheRoot } from '../cache.js';
import { unlessLocked, withLock } from '../lock.js';
import { resumablePaths } from './download-target.js';
import { findDriver } from './driver.js';
import { fetchAndInstall } from './fetch.js';
import { installArchive } from './install-archive.js';
import type { InstallProgress, Wanted } from './install-task.js';
import { findLeftovers, removeLeftovers } from './leftovers.js';
import { findInstalled, type LocatedLibtorch } from './locate.js';
import { assertPlatformSupported } from './platform.js';
import { assertVariantChoice, isCudaVariant, type VariantChoice, variantFor } from './variant.js';
import type { TorchVersion } from './version.js';

/**
 * Where LibTorch comes from.
 *
 * @category Diagnostics
 */
export interface InstallOptions {
  /** Path of a local archive: the official zip or a wheel of PyTorch. Without it, one is downloaded. */
  from?: string | undefined;
  /**
   * For the processor or for a version of CUDA. `auto`, the default: the one that the NVIDIA driver found and its GPUs
   * can use best; what is in the cache already is then kept, whatever it is for.
   */
  variant?: VariantChoice | undefined;
  /** Stops the installation, or the wait for another process that installs. */
  signal?: AbortSignal | undefined;
  /** Called often, in each stage. */
  onProgress?: ((progress: InstallProgress) => void) | undefined;
  /** Receives single lines for a person. */
  onMessage?: ((line: string) => void) | undefined;
}

/**
 * Makes sure that the cache holds a whole LibTorch and returns it; a whole one already there is reused.
 * Waits for another process that installs at the same time. `CIFAR10_TORCH_LIBTORCH_URL` replaces the official archive.
 * Errors: `INVALID_ARGUMENT`, `PLATFORM_UNSUPPORTED`, `LIBTORCH_ARCHIVE_INVALID`, `LIBTORCH_VERSION`,
 * `LIBTORCH_DOWNLOAD_FAILED`, `PYTHON_NOT_FOUND`, `DISK_FULL`, `NOT_WRITABLE`, `LOCKED`, `ABORTED`; the cache is then as
 * it was, but for the part of a download that broke off, which the next call goes on with.
 *
 * @category Diagnostics
 */
export async function installLibtorch(options: InstallOptions = {}): Promise<LocatedLibtorch> {
  const {
    from,
    signal,
    variant = 'auto',
    onProgress = () => undefined,
    onMessage = () => undefined,
  } = options;
  assertVariantChoice(variant);
  assertPlatformSupported();
  const wanted = await choose(variant, from, signal);
  const reusable = () => (from === undefined ? findReusable(wanted) : undefined);
  const install = async (signal: AbortSignal): Promise<LocatedLibtorch> => {
    await removeLeftovers(resumablePaths(), onMessage);
    const other = reusable(); // of the process that held the lock before
    if (other !== undefined) return other;
    const task = { wanted, signal, onProgress, onMessage };
    return from === undefined ? fetchAndInstall(task) : installArchive(resolve(from), task);
  };
  const onWait = () => onMessage('Another process installs LibTorch: waiting for it');
  const found = reusable();
  if (found === undefined) return withLock(lockPath(), install, { signal, onWait });
  if (found.variant !== wanted.variant && isCudaVariant(wanted.variant)) onMessage(offer(found, wanted));
  await tidy(onMessage);
  return found;
}

/** An archive that is given says itself what it is for. */
async function choose(
  choice: VariantChoice,
  from: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Wanted> {
  if (choice !== 'auto') return { variant: choice, isNamed: true, driver: undefined };
  const driver = from === undefined ? await findDriver(signal) : undefined;
  return { variant: variantFor(driver), isNamed: false, driver };
}

function findReusable({ variant, isNamed }: Wanted): LocatedLibtorch | undefined {
  return findInstalled(variant) ?? (isNamed ? undefined : findInstalled());
}

function offer(found: TorchVersion, { variant, driver }: Wanted): string {
  const { version = 'of unknown version' } = driver ?? {};
  return (
    `LibTorch ${found.version} (${found.variant}) is kept; for the NVIDIA driver ${version} there is another: ` +
    `\`npx cifar10-torch install-runtime --variant ${variant}\``
  );
}

const lockPath = () => join(cacheRoot(), 'libtorch');

/** What a crashed installer left takes gigabytes; no reason to fail if it cannot be removed. */
async function tidy(onMessage: (line: string) => void): Promise<void> {
  const leftovers = await findLeftovers(resumablePaths()).catch(() => []);
  const remove = () => removeLeftovers(resumablePaths(), onMessage);
  if (leftovers.length > 0) await unlessLocked(lockPath(), remove).catch(() => undefined);
}
