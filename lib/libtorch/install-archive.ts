// Owns putting what an archive holds into the cache, whole or not at all. Must not fetch it.
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, temporaryPath } from '../atomic.js';
import { AbortError, Cifar10Error, systemCode, writeError } from '../errors.js';
import { unpack, withArchive } from './archive.js';
import { checkLibtorch, missingLibraries, writeManifest } from './folder.js';
import type { Task, Wanted } from './install-task.js';
import { discard } from './leftovers.js';
import { cachedFolder, type LocatedLibtorch } from './locate.js';
import { isCudaVariant, VARIANT_CHOICES } from './variant.js';
import { BUILD_VERSION } from './version.js';

/**
 * Unpacks beside the final folder and renames: the final name never shows a part. `companions`: wheels with what the
 * archive needs beside it.
 * Errors: `LIBTORCH_ARCHIVE_INVALID`, `LIBTORCH_VERSION`, `DISK_FULL`, `NOT_WRITABLE`, `ABORTED`.
 */
export async function installArchive(
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
      checkUnpacked(path, temporary, variant);
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
function checkUnpacked(archivePath: string, folder: string, variant: string): void {
  const [missing] = missingLibraries(folder);
  if (missing !== undefined)
    throw new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
      what: `"${archivePath}" lacks libraries that it needs`,
      expected: `lib/${missing}`,
      found: 'none',
      nextStep: isCudaVariant(variant)
        ? 'run `npx cifar10-torch install-runtime` without --from and CIFAR10_TORCH_LIBTORCH_URL: pip then fetches them too'
        : `fetch the archive of LibTorch ${BUILD_VERSION} (${variant}) again, or set LIBTORCH to the folder of one that is whole`,
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
