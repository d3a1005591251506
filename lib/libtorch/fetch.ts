// Owns the two ways to LibTorch over the network: the official archive, then pip. Must not decide which variant it shall be.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryPath } from '../atomic.js';
import { cacheRoot } from '../cache.js';
import { discardPartialDownload, download } from '../download/index.js';
import { Cifar10Error, errorMessage, writeError } from '../errors.js';
import { readNvidiaRequirements } from './archive.js';
import { type DownloadTarget, downloadTarget, OFFICIAL_CPU_URL } from './download-target.js';
import type { Driver } from './driver.js';
import { installArchive } from './install-archive.js';
import type { Task } from './install-task.js';
import { discard } from './leftovers.js';
import type { LocatedLibtorch } from './locate.js';
import { downloadPackages, downloadWheel, findPip } from './pip.js';
import { isCudaVariant, oldestDriver } from './variant.js';
import { BUILD_VERSION } from './version.js';

/**
 * Errors: `LIBTORCH_ARCHIVE_INVALID`, `LIBTORCH_VERSION`, `LIBTORCH_DOWNLOAD_FAILED`, `PYTHON_NOT_FOUND`, `DISK_FULL`,
 * `NOT_WRITABLE`, `ABORTED`.
 */
export async function fetchAndInstall(task: Task): Promise<LocatedLibtorch> {
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
    throw bothWaysFailed(variant, reason, error);
  }
}

/** PyPI has but a wheel for CUDA: one of another variant is what the want of PyTorch's own site comes to. */
function bothWaysFailed(variant: string, reason: string, error: unknown): unknown {
  const isOurs = error instanceof Cifar10Error;
  if (!isOurs || !['LIBTORCH_DOWNLOAD_FAILED', 'LIBTORCH_ARCHIVE_INVALID'].includes(error.code)) return error;
  const found =
    error.code === 'LIBTORCH_DOWNLOAD_FAILED' ? error.found : `a wheel that does not do: ${error.found}`;
  return new Cifar10Error('LIBTORCH_DOWNLOAD_FAILED', {
    what: `LibTorch ${BUILD_VERSION} (${variant}) can be downloaded neither from its site nor with pip`,
    found: `${reason}; ${found}`,
    nextStep:
      'check the network and proxy, or run `npx cifar10-torch install-runtime --from <archive>` with an archive fetched elsewhere',
    cause: error,
  });
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
