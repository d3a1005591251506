// Owns putting LibTorch into the user's cache: from a given archive, the official one or pip, whole or not at all.
// Must not decide which LibTorch is used; locate.ts does.
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { syncFolder, temporaryPath } from '../atomic.js';
import { cacheRoot } from '../cache.js';
import { discardPartialDownload, download } from '../download/index.js';
import { AbortError, Cifar10Error, errorMessage, writeError } from '../errors.js';
import { unlessLocked, withLock } from '../lock.js';
import { unpack, withArchive } from './archive.js';
import { checkLibtorch, writeManifest } from './folder.js';
import { cachedFolder, findInstalled, type LocatedLibtorch } from './locate.js';
import { assertPlatformSupported } from './platform.js';
import { downloadWheel } from './python.js';
import { BUILD_VERSION } from './version.js';

const LEFTOVER = /^\.libtorch-(.*\.tmp|download-[0-9a-f]{8}\.zip)$/;
/** No checksum of this archive is known beforehand: that it comes over TLS, and what it must hold, has to do. */
const OFFICIAL_URL = `https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-${BUILD_VERSION}%2Bcpu.zip`;

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
  /** Stops the installation, or the wait for another process that installs. */
  signal?: AbortSignal | undefined;
  /** Called often, in each stage. */
  onProgress?: ((progress: InstallProgress) => void) | undefined;
  /** Receives single lines for a person. */
  onMessage?: ((line: string) => void) | undefined;
}

/** The options inside the lock: all present, and the signal fires when the lock is lost as well. */
interface Task {
  signal: AbortSignal;
  onProgress: (progress: InstallProgress) => void;
  onMessage: (line: string) => void;
}

/**
 * Makes sure that the cache holds a whole LibTorch and returns it; a whole one already there is reused.
 * Waits for another process that installs at the same time. `CIFAR10_TORCH_LIBTORCH_URL` replaces the official archive.
 * Errors: `PLATFORM_UNSUPPORTED`, `LIBTORCH_ARCHIVE_INVALID`, `LIBTORCH_VERSION`, `LIBTORCH_DOWNLOAD_FAILED`,
 * `PYTHON_NOT_FOUND`, `DISK_FULL`, `NOT_WRITABLE`, `LOCKED`, `ABORTED`; the cache is then as it was.
 *
 * @category Diagnostics
 */
export async function installLibtorch(options: InstallOptions = {}): Promise<LocatedLibtorch> {
  assertPlatformSupported();
  const { from, signal, onProgress = () => undefined, onMessage = () => undefined } = options;
  const reusable = () => (from === undefined ? findInstalled() : undefined);
  const install = async (signal: AbortSignal): Promise<LocatedLibtorch> => {
    await removeLeftovers();
    const other = reusable(); // of the process that held the lock before
    if (other !== undefined) return other;
    const task = { signal, onProgress, onMessage };
    return from === undefined ? fetchAndInstall(task) : installArchive(resolve(from), task);
  };
  const onWait = () => onMessage('Another process installs LibTorch: waiting for it');
  const found = reusable();
  if (found === undefined) return withLock(lockPath(), install, { signal, onWait });
  await tidy();
  return found;
}

const lockPath = () => join(cacheRoot(), 'libtorch');

/** What a crashed installer left takes gigabytes; no reason to fail if it cannot be removed. */
async function tidy(): Promise<void> {
  const leftovers = await findLeftovers().catch(() => []);
  if (leftovers.length > 0) await unlessLocked(lockPath(), removeLeftovers).catch(() => undefined);
}

/** Only the holder of the lock creates these: those there now are of installers that crashed. */
async function removeLeftovers(): Promise<void> {
  for (const path of await findLeftovers()) await rm(path, { recursive: true, force: true });
}

/** Half-unpacked folders and archives that were not unpacked to the end; partial downloads are gone on with. */
async function findLeftovers(): Promise<string[]> {
  const names = (await readdir(cacheRoot())).filter((name) => LEFTOVER.test(name));
  return names.map((name) => join(cacheRoot(), name));
}

async function fetchAndInstall(task: Task): Promise<LocatedLibtorch> {
  let reason: string;
  try {
    return await installOfficial(task);
  } catch (error) {
    if (!isWorthASecondWay(error)) throw error;
    reason = errorMessage(error);
    task.onMessage(`The official LibTorch archive is not available, using pip instead (${summarize(error)})`);
  }
  try {
    const installed = await installWheel(task);
    await discardPartialDownload(downloadTarget().path);
    return installed;
  } catch (error) {
    if (!(error instanceof Cifar10Error) || error.code !== 'LIBTORCH_DOWNLOAD_FAILED') throw error;
    throw new Cifar10Error('LIBTORCH_DOWNLOAD_FAILED', {
      what: `LibTorch ${BUILD_VERSION} can be downloaded neither from its site nor with pip`,
      found: `${reason}; ${error.found}`,
      nextStep: `check the network and proxy, or ${error.nextStep}`,
      cause: error,
    });
  }
}

function isWorthASecondWay(error: unknown): boolean {
  const final = ['ABORTED', 'DISK_FULL', 'NOT_WRITABLE', 'LOCKED'];
  return error instanceof Cifar10Error && !final.includes(error.code);
}

function summarize(error: unknown): string {
  return error instanceof Cifar10Error && error.found !== undefined ? error.found : errorMessage(error);
}

/** The name follows the address, so that a partial file is only continued from where it came. */
function downloadTarget(): { url: string; path: string } {
  const url = process.env.CIFAR10_TORCH_LIBTORCH_URL || OFFICIAL_URL;
  const id = createHash('sha256').update(url).digest('hex').slice(0, 8);
  return { url, path: join(cacheRoot(), `.libtorch-download-${id}.zip`) };
}

async function installOfficial(task: Task): Promise<LocatedLibtorch> {
  const { url, path } = downloadTarget();
  if (url === OFFICIAL_URL && process.arch !== 'x64')
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
    await rm(path, { force: true });
  }
}

async function installWheel(task: Task): Promise<LocatedLibtorch> {
  const folder = temporaryPath(join(cacheRoot(), 'libtorch-pip'));
  try {
    await mkdir(folder);
    return await installArchive(await downloadWheel(folder, task), task);
  } catch (error) {
    throw writeError(folder, error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Unpacks beside the final folder and renames: the final name never shows a part. */
async function installArchive(
  path: string,
  { signal, onProgress, onMessage }: Task,
): Promise<LocatedLibtorch> {
  return withArchive(path, async (archive) => {
    const { version, variant } = archive;
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
      await rm(temporary, { recursive: true, force: true });
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

/** The archive itself may lack a file that LibTorch needs. */
function checkUnpacked(archivePath: string, folder: string): void {
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

/** A folder that is in the way is not whole; a process that still has its libraries open keeps them. */
async function replaceFolder(temporary: string, target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await rename(temporary, target);
  await syncFolder(dirname(target));
}
