// Owns what a LibTorch archive is, the official zip or Python wheels, and unpacking what build and run need of it.
// Must not trust the archive: versions and sizes are verified, and zip.ts does names and checksums. Must not choose the
// target folder.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Cifar10Error } from '../errors.js';
import {
  ACCEPTED_VERSIONS,
  BUILD_VERSION,
  guessVariant,
  isAcceptedVersion,
  parseVersionText,
  type TorchVersion,
  VERSION_FILES,
} from './version.js';
import { extract, invalidArchive, type Member, readText, withZip, withZips, type Zip } from './zip.js';

const PREFIXES = ['libtorch/', 'torch/']; // of the official archive and of a wheel
/** The last three are of arm64. */
const CPU_LIBRARY =
  /^lib\/(libc10|libtorch_cpu|libtorch|lib(gomp|openblas|arm_compute|gfortran)[^/]*)\.so[^/]*$/;
const LIBRARY = /^lib\/[^/]+\.so[^/]*$/;
const NEEDLESS_LIBRARY = /libtorch_python|libshm|_test|test_|libaoti_custom_ops|libbackend_with_compiler/;
/** ROCm and XPU have libraries of their own, which this package does not open. */
const SUPPORTED_VARIANT = /^(cpu|cuda|cu\d+)$/;
/** In NVIDIA's wheels, `nvidia/cudnn/lib/libcudnn.so.9`. */
const NVIDIA_LIBRARY = /^nvidia\/[^/]+\/(lib\/[^/]+\.so[^/]*)$/;
/** NVIDIA's packages with libraries. The one called cuda-toolkit has nothing but the names of others. */
const NVIDIA_PACKAGE = /^Requires-Dist:[ \t]*((?:nvidia|cuda-toolkit)\b.*)$/gm;
/** Of all that is unpacked; LibTorch with CUDA takes a third of it. */
const UNPACKED_LIMIT_BYTES = 16 * 1024 ** 3;

export interface TorchArchive extends TorchVersion {
  path: string;
  /** What is unpacked, by path relative to the LibTorch folder. */
  members: Map<string, Member>;
}

export interface UnpackOptions {
  signal: AbortSignal;
  onProgress: (progress: { doneBytes: number; totalBytes: number }) => void;
}

/**
 * Opens the archive, checks that it is LibTorch of an accepted version, and closes it after `work`.
 * `companions`: NVIDIA's wheels, for a wheel of PyTorch that leaves CUDA's libraries to them.
 * Errors: `LIBTORCH_ARCHIVE_INVALID`, `LIBTORCH_VERSION`, those of `work`.
 */
export async function withArchive<T>(
  path: string,
  companions: readonly string[],
  work: (archive: TorchArchive) => Promise<T>,
): Promise<T> {
  return withZip(path, (zip) => withZips(companions, async (others) => work(await readArchive(zip, others))));
}

/** What a wheel of PyTorch wants pip to install of NVIDIA, each as pip takes it. Errors: `LIBTORCH_ARCHIVE_INVALID`. */
export async function readNvidiaRequirements(wheel: string): Promise<string[]> {
  return withZip(wheel, nvidiaRequirements);
}

/**
 * Unpacks the archive into the new folder `folder` and returns the size in bytes of each library.
 * Errors: `LIBTORCH_ARCHIVE_INVALID`, `DISK_FULL`, `NOT_WRITABLE`, `ABORTED`; the folder is then incomplete.
 */
export async function unpack(
  archive: TorchArchive,
  folder: string,
  { signal, onProgress }: UnpackOptions,
): Promise<Record<string, number>> {
  const members = [...archive.members];
  const totalBytes = unpackedBytes(archive.members);
  let doneBytes = 0;
  for (const parent of new Set(members.map(([name]) => dirname(join(folder, name)))))
    await mkdir(parent, { recursive: true });
  for (const [name, member] of members) {
    // A library must be on the disk before its name is; of 9,000 headers this would take minutes.
    await extract(member, join(folder, name), { signal, flush: LIBRARY.test(name) });
    doneBytes += member.entry.uncompressedSize;
    onProgress({ doneBytes, totalBytes });
  }
  const libraries = members.filter(([name]) => LIBRARY.test(name));
  return Object.fromEntries(libraries.map(([name, { entry }]) => [name, entry.uncompressedSize]));
}

async function readArchive(zip: Zip, companions: readonly Zip[]): Promise<TorchArchive> {
  const { path, entries } = zip;
  const prefix = PREFIXES.find((prefix) => entries.has(`${prefix}lib/libtorch_cpu.so`));
  if (prefix === undefined)
    throw invalidArchive(path, 'libtorch/lib/libtorch_cpu.so or torch/lib/libtorch_cpu.so', 'neither');
  if (companions.length === 0) await refuseSplitWheel(zip);
  const hasCuda = entries.has(`${prefix}lib/libtorch_cuda.so`);
  const version = { variant: guessVariant(hasCuda), ...(await readArchiveVersion(zip, prefix)) };
  if (!SUPPORTED_VARIANT.test(version.variant))
    throw invalidArchive(path, 'LibTorch for the processor or for CUDA', `one for ${version.variant}`);
  const members = new Map(
    [...entries]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, entry]) => [name.slice(prefix.length), { zip, entry }] as const)
      .filter(([name]) => isWanted(name, hasCuda)),
  );
  for (const companion of companions) addNvidiaLibraries(members, companion);
  refuseTooLarge(path, members);
  return { path, members, ...version };
}

function isWanted(name: string, hasCuda: boolean): boolean {
  if (name.startsWith('include/') || VERSION_FILES.includes(name)) return true;
  // What CUDA needs is an open set, so that only what is surely needless is left out.
  return hasCuda ? LIBRARY.test(name) && !NEEDLESS_LIBRARY.test(name) : CPU_LIBRARY.test(name);
}

/** Beside LibTorch's own: there its libraries look for those they need. */
function addNvidiaLibraries(members: Map<string, Member>, zip: Zip): void {
  for (const [name, entry] of zip.entries) {
    const library = NVIDIA_LIBRARY.exec(name)?.[1];
    if (library === undefined) continue;
    if (members.has(library)) throw invalidArchive(zip.path, 'libraries that no other wheel has', library);
    members.set(library, { zip, entry });
  }
}

function refuseTooLarge(path: string, members: Map<string, Member>): void {
  const bytes = unpackedBytes(members);
  if (bytes > UNPACKED_LIMIT_BYTES)
    throw invalidArchive(path, `at most ${UNPACKED_LIMIT_BYTES} bytes to unpack`, `${bytes} bytes`);
}

function unpackedBytes(members: Map<string, Member>): number {
  return [...members.values()].reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
}

/** CUDA wheels leave NVIDIA's libraries to other wheels: unpacked alone, they could not be loaded. */
async function refuseSplitWheel(zip: Zip): Promise<void> {
  const [needed] = await nvidiaRequirements(zip);
  if (needed === undefined) return;
  throw new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
    what: `"${zip.path}" cannot be used by itself`,
    expected: 'a wheel that holds all its libraries',
    found: `one that needs the package ${/^[\w-]+/.exec(needed)?.[0]}`,
    nextStep:
      'run `npx cifar10-torch install-runtime --variant <cu126 or cu130>`, which fetches all of them, ' +
      `or \`python3 -m pip install torch==${BUILD_VERSION}\`: an installed PyTorch is found by itself`,
  });
}

async function nvidiaRequirements(zip: Zip): Promise<string[]> {
  const metadata = [...zip.entries].find(([name]) => /^torch-[^/]+\.dist-info\/METADATA$/.test(name))?.[1];
  if (metadata === undefined) return [];
  const text = await readText({ zip, entry: metadata });
  return [...text.matchAll(NVIDIA_PACKAGE)].map(([, requirement = '']) => requirement.trim());
}

async function readArchiveVersion(zip: Zip, prefix: string) {
  const entry = VERSION_FILES.map((name) => zip.entries.get(prefix + name)).find(
    (entry) => entry !== undefined,
  );
  const version = entry && parseVersionText(await readText({ zip, entry }));
  if (version === undefined)
    throw invalidArchive(zip.path, `the version in ${VERSION_FILES.join(' or ')}`, 'none');
  if (!isAcceptedVersion(version.version))
    throw new Cifar10Error('LIBTORCH_VERSION', {
      what: `"${zip.path}" has a version that does not fit`,
      expected: `LibTorch ${ACCEPTED_VERSIONS}`,
      found: version.version,
      nextStep: `fetch LibTorch ${BUILD_VERSION}`,
    });
  return version;
}
