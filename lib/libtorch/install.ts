// Owns putting LibTorch into the user's cache: from a given archive, the official one or pip, whole or not at all.
// Must not decide which LibTorch is used; locate.ts does. Which variants there are is in variant.ts.
import { createHash } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncFolder, temporaryPath } from '../atomic.js';
import { cacheRoot } from '../cache.js';
import { discardPartialDownload, download } from '../download/index.js';
import { AbortError, Cifar10Error, errorMessage, systemCode, writeError } from '../errors.js';
import { unlessLocked, withLock } from '../lock.js';
import { readNvidiaRequirements, unpack, withArchive } from './archive.js';
import { type Driver, findDriver } from './driver.js';
import { checkLibtorch, missingLibraries, writeManifest } from './folder.js';
import { discard, findLeftovers, removeLeftovers } from './leftovers.js';
import { cachedFolder, findInstalled, type LocatedLibtorch } from './locate.js';
import { downloadPackages, downloadWheel, findPip } from './pip.js';
import { assertPlatformSupported } from './platform.js';

import {
  assertVariantChoice,
  isCudaVariant,
  oldestDriver,
  VARIANT_CHOICES,
  type VariantChoice,
  variantFor,
} from './variant.js';
import { BUILD_VERSION, type TorchVersion } from './version.js';

/**
 * No checksum of this archive is known beforehand: that it comes over TLS, and what it must hold, has to do.
 * There are such archives of CUDA variants, but NVIDIA's libraries, which they cannot be loaded without, are not in them
 * (https://github.com/pytorch/pytorch/issues/183971): those come as wheels.
 */
const OFFICIAL_CPU_URL = `https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-${BUILD_VERSION}%2Bcpu.zip`;

/**
 * How far an installation of LibTorch has come.
 *
 * @category Diagnostics
 */
export interface InstallProgress {
  /** What is being done. pip tells no progress of its download. */
  stage: 'download' | 'unpack';
  /** Bytes done of this stage. */
  doneBytes: number;
  /** Bytes of this stage in all; undefined where the server does not tell. */
  totalBytes: number | undefined;
}

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

/** What shall be installed. */
interface Wanted {
  variant: string;
  /** Whether it was asked for by name: another one that is there, or in an archive that was named, does not do. */
  isNamed: boolean;
  /** Whether pip was told to fetch it, so that another one is the index's doing. */
  isFromPip?: boolean;
  /** The one that `auto` went by. */
  driver: Driver | undefined;
}

/** The options inside the lock: all present, and the signal fires when the lock is lost as well. */
interface Task {
  wanted: Wanted;
  signal: AbortSignal;
  onProgress: (progress: InstallProgress) => void;
  onMessage: (line: string) => void;
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

async function fetchAndInstall(task: Task): Promise<LocatedLibtorch> {
  const { variant, driver } = task.wanted;
  if (variant === 'cpu' && driver !== undefined) task.onMessage(explainCpu(driver));
  const target = downloadTarget(variant);
  if (target === undefined) return installWheels(task);
  let reason: string;
  try {
    return await installOfficial(target, task);
  } catch (error) {
    if (!isWorthASecondWay(error)) throw error;
    reason = errorMessage(error);
    task.onMessage(`The official LibTorch archive is not available, using pip instead (${summarize(error)})`);
  }
  try {
    const installed = await installWheels(task);
    await discardPartialDownload(target.path);
    return installed;
  } catch (error) {
    if (!(error instanceof Cifar10Error) || error.code !== 'LIBTORCH_DOWNLOAD_FAILED') throw error;
    throw new Cifar10Error('LIBTORCH_DOWNLOAD_FAILED', {
      what: `LibTorch ${BUILD_VERSION} (${variant}) can be downloaded neither from its site nor with pip`,
      found: `${reason}; ${error.found}`,
      nextStep: `check the network and proxy, or ${error.nextStep}`,
      cause: error,
    });
  }
}

function explainCpu({ version = 'of unknown version' }: Driver): string {
  return (
    `No CUDA variant of LibTorch ${BUILD_VERSION} fits the NVIDIA driver ${version} and its GPUs (a GPU up to Hopper needs ` +
    `driver ${oldestDriver('cu126')}, a newer one ${oldestDriver('cu130')}): taking the one for the processor`
  );
}

function isWorthASecondWay(error: unknown): boolean {
  const final = ['ABORTED', 'DISK_FULL', 'NOT_WRITABLE', 'LOCKED'];
  return error instanceof Cifar10Error && !final.includes(error.code);
}

function summarize(error: unknown): string {
  return error instanceof Cifar10Error && error.found !== undefined ? error.found : errorMessage(error);
}

interface DownloadTarget {
  url: string;
  path: string;
}

/** The name follows the address, so that a partial file is only continued from where it came. */
function downloadTarget(variant: string): DownloadTarget | undefined {
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
function resumablePaths(): string[] {
  const urls = [OFFICIAL_CPU_URL, process.env.CIFAR10_TORCH_LIBTORCH_URL];
  return urls.flatMap((url) => (url ? [downloadPath(url)] : []));
}

async function installOfficial({ url, path }: DownloadTarget, task: Task): Promise<LocatedLibtorch> {
  if (url === OFFICIAL_CPU_URL && process.arch !== 'x64')
    throw new Cifar10Error('LIBTORCH_DOWNLOAD_FAILED', {
      what: 'there is no official archive for this processor',
      expected: 'x64',
      found: process.arch,
    });
  // Many networks block the site, and pip is a good second way: one more attempt is enough.
  await download(url, path, {
    retries: 1,
    signal: task.signal,
    onProgress: (progress) => task.onProgress({ stage: 'download', ...progress }),
  });
  try {
    return await installArchive(path, task);
  } finally {
    await discard(path);
  }
}

async function installWheels(task: Task): Promise<LocatedLibtorch> {
  const { variant } = task.wanted;
  const folder = temporaryPath(join(cacheRoot(), 'libtorch-pip'));
  const companionFolder = join(folder, 'nvidia');
  try {
    await mkdir(companionFolder, { recursive: true });
    const pip = await findPip(variant, task);
    const wheel = await downloadWheel(folder, pip);
    const named = { ...task, wanted: { ...task.wanted, isNamed: true, isFromPip: true } };
    // One for the processor that asks for NVIDIA's packages is none, and is refused.
    const requirements = isCudaVariant(variant) ? await readNvidiaRequirements(wheel.path) : [];
    if (requirements.length === 0) return await installArchive(wheel.path, named);
    return await installArchive(
      wheel.path,
      named,
      await downloadPackages(companionFolder, requirements, pip, wheel),
    );
  } catch (error) {
    throw writeError(folder, error);
  } finally {
    await discard(folder);
  }
}

/** Unpacks beside the final folder and renames: the final name never shows a part. */
async function installArchive(
  path: string,
  { wanted, signal, onProgress, onMessage }: Task,
  companions: readonly string[] = [],
): Promise<LocatedLibtorch> {
  return withArchive(path, companions, async (archive) => {
    const { version, variant } = archive;
    if (wanted.isNamed && variant !== wanted.variant) throw wrongVariant(path, variant, wanted);
    const target = cachedFolder({ version, variant });
    if (isWhole(target)) return { path: target, version, variant, source: 'cache' };
    onMessage(`Unpacking LibTorch ${version} (${variant}) into ${target}`);
    const temporary = temporaryPath(target);
    try {
      const files = await unpack(archive, temporary, {
        signal,
        onProgress: (progress) => onProgress({ stage: 'unpack', ...progress }),
      });
      await writeManifest(temporary, { version, variant, files });
      await syncFolder(join(temporary, 'lib'));
      checkUnpacked(path, temporary);
      if (signal.aborted) throw new AbortError('the installation of LibTorch stopped', signal.reason);
      await replaceFolder(temporary, target);
    } catch (error) {
      throw writeError(target, error);
    } finally {
      await discard(temporary);
    }
    return { path: target, version, variant, source: 'cache' };
  });
}

function isWhole(folder: string): boolean {
  try {
    checkLibtorch(folder, true);
    return true;
  } catch {
    return false;
  }
}

function wrongVariant(archivePath: string, found: string, { variant, isFromPip }: Wanted): Cifar10Error {
  return new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
    what: `"${archivePath}" is LibTorch of another variant`,
    expected: variant,
    found,
    nextStep: isFromPip
      ? `run \`npx cifar10-torch install-runtime --variant ${installable(found)}\``
      : `leave out --variant, or fetch the archive of LibTorch ${BUILD_VERSION} (${variant})`,
  });
}

/** What an index gives under the bare version may be a variant that cannot be asked for. */
function installable(variant: string): string {
  return VARIANT_CHOICES.find((choice) => choice === variant) ?? 'cpu';
}

/** The archive itself may lack a file that LibTorch needs. */
function checkUnpacked(archivePath: string, folder: string): void {
  const [missing] = missingLibraries(folder);
  if (missing !== undefined)
    throw new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
      what: `"${archivePath}" lacks libraries that it needs`,
      expected: `lib/${missing}`,
      found: 'none',
      nextStep:
        'run `npx cifar10-torch install-runtime` without --from and CIFAR10_TORCH_LIBTORCH_URL: pip then fetches them too',
    });
  try {
    checkLibtorch(folder, true);
  } catch (error) {
    if (!(error instanceof Cifar10Error)) throw error;
    throw new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
      what: `"${archivePath}" lacks a part of LibTorch`,
      expected: error.expected,
      found: error.found,
      nextStep: `fetch the archive of LibTorch ${BUILD_VERSION} again`,
      cause: error,
    });
  }
}

/**
 * A folder that is in the way is not whole, and a process that still has its libraries open keeps them. It is removed under
 * a name of its own: under the final one a crash would leave a part, which another process may take for LibTorch.
 */
async function replaceFolder(temporary: string, target: string): Promise<void> {
  const old = temporaryPath(target);
  const isReplaced = await renameIfThere(target, old);
  try {
    await rename(temporary, target);
  } catch (error) {
    if (isReplaced) await rename(old, target).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(target));
  await discard(old);
}

async function renameIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
