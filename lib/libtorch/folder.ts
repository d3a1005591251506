// Owns what a LibTorch folder holds: the libraries that are opened, the manifest of an installed one, and the check
// that everything is there. Must not search for folders nor change them, but for writing the manifest.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { writeFileAtomic } from '../atomic.js';
import { Cifar10Error, errorMessage, systemCode } from '../errors.js';
import { isCutOff, neededLibraries } from './elf.js';
import { libraryNames } from './library-names.js';
import { ACCEPTED_VERSIONS, isAcceptedVersion, readVersion, type TorchVersion } from './version.js';

const MANIFEST = 'libtorch.json';
const MANIFEST_LIMIT_BYTES = 1 << 20;
const NAMES = libraryNames();
const NVIDIA = /^lib(cu|nv|nccl)/;
/** Of glibc, GCC and NVIDIA's driver, which LibTorch's packages rely on and do not bring. */
const SYSTEM =
  /^(ld-linux[^/]*|lib(c|m|mvec|dl|rt|pthread|util|resolv|stdc\+\+|gcc_s|cuda|nvidia-[\w-]+))\.so(\.\d+)*$/;
const HEADER = 'include/ATen/ATen.h'; // one that every program for LibTorch includes

/** Says what was unpacked: a file of another size was cut off later. Headers are not listed: only a build reads them. */
interface Manifest extends TorchVersion {
  /** Size in bytes by path relative to the folder. */
  files: Record<string, number>;
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(folder, MANIFEST), [`${JSON.stringify(manifest, null, 2)}\n`]);
}

/**
 * Absolute paths of the libraries to open, each after those it needs.
 * Of CUDA, where the folder has it, NVIDIA's that lie beside LibTorch's as well: wheels expect each other elsewhere.
 */
export function runtimeLibraries(folder: string): string[] {
  const lib = join(folder, 'lib');
  const before = [findOpenMp(folder) ?? NAMES.openMp.usual, ...NAMES.required.slice(0, -1)];
  const cuda = NAMES.cuda.filter((name) => existsSync(join(lib, name)));
  const all = [...before, ...cuda, ...NAMES.required.slice(-1)];
  return (cuda.length > 0 ? afterTheirNeeds(lib, all) : all).map((name) => join(lib, name));
}

/** The names, each after those of its folder that it needs. */
function afterTheirNeeds(lib: string, names: readonly string[]): string[] {
  const present = new Set(readdirSync(lib));
  const [seen, ordered] = [new Set<string>(), new Set<string>()];
  const open = [...names].reverse();
  for (let name = open.at(-1); name !== undefined; name = open.at(-1)) {
    if (seen.has(name)) {
      open.pop();
      if (present.has(name) || names.includes(name)) ordered.add(name);
      continue;
    }
    seen.add(name);
    const needed = present.has(name) ? neededLibraries(join(lib, name)) : [];
    open.push(...needed.filter((other) => !seen.has(other)).reverse());
  }
  return [...ordered];
}

/**
 * What the folder does not have and the system will not: of all that the libraries to open need, and of NVIDIA's that the
 * others need, which CUDA opens while it works.
 */
export function missingLibraries(folder: string): string[] {
  const lib = join(folder, 'lib');
  const names = readdirSync(lib);
  const needsOf = (paths: readonly string[]) => paths.flatMap(neededLibraries);
  const opened = afterTheirNeeds(
    lib,
    runtimeLibraries(folder).map((path) => basename(path)),
  ).filter((name) => names.includes(name));
  const needed = needsOf(opened.map((name) => join(lib, name)));
  const others = needsOf(names.map((name) => join(lib, name))).filter((name) => NVIDIA.test(name));
  return [...new Set([...needed, ...others])].filter((name) => !SYSTEM.test(name) && !names.includes(name));
}

function findOpenMp(folder: string): string | undefined {
  const lib = join(folder, 'lib');
  return existsSync(lib) ? readdirSync(lib).find((name) => NAMES.openMp.pattern.test(name)) : undefined;
}

/**
 * The version of a folder that is whole and of an accepted version.
 * Errors: `LIBTORCH_NOT_FOUND` if a file is missing or shorter than installed, `LIBTORCH_VERSION`.
 */
export function checkLibtorch(folder: string, needsHeaders: boolean): TorchVersion {
  checkFiles(folder, needsHeaders);
  const found = readManifest(folder) ?? readVersion(folder);
  if (found === undefined) throw incomplete(folder, 'a file that names the version (build-version)', 'none');
  if (!isAcceptedVersion(found.version))
    throw new Cifar10Error('LIBTORCH_VERSION', {
      what: `LibTorch at "${folder}" has a version that does not fit`,
      expected: `version ${ACCEPTED_VERSIONS}`,
      found: found.version,
      nextStep: 'run `npx cifar10-torch install-runtime`, which fetches one that fits',
    });
  return { version: found.version, variant: found.variant };
}

function checkFiles(folder: string, needsHeaders: boolean): void {
  try {
    checkPresence(folder, needsHeaders);
    for (const path of runtimeLibraries(folder))
      if (isCutOff(path)) throw incomplete(folder, `the whole of ${relative(folder, path)}`, 'a part of it');
    checkSizes(folder);
  } catch (error) {
    const code = systemCode(error);
    if (error instanceof Cifar10Error || code === undefined) throw error;
    throw incomplete(folder, 'files that can be read', errorMessage(error), error);
  }
}

function checkPresence(folder: string, needsHeaders: boolean): void {
  const required = NAMES.required.map((name) => join('lib', name));
  for (const name of needsHeaders ? [...required, HEADER] : required) requireFile(folder, name);
  if (findOpenMp(folder) === undefined)
    throw incomplete(folder, `the file lib/${NAMES.openMp.usual}`, 'none');
  for (const path of runtimeLibraries(folder)) requireFile(folder, relative(folder, path));
}

function requireFile(folder: string, name: string): void {
  const found = statSync(join(folder, name), { throwIfNoEntry: false });
  if (!found?.isFile()) throw incomplete(folder, `the file ${name}`, found ? 'what is no file' : 'none');
}

function checkSizes(folder: string): void {
  for (const [name, sizeBytes] of Object.entries(readManifest(folder)?.files ?? {})) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false })?.size;
    if (found !== sizeBytes)
      throw incomplete(folder, `${sizeBytes} bytes in ${name}`, `${found ?? 'no'} bytes`);
  }
}

/** A manifest that cannot be read, or is none of ours, counts as none: the folder is then judged by its files alone. */
function readManifest(folder: string): Manifest | undefined {
  const path = join(folder, MANIFEST);
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > MANIFEST_LIMIT_BYTES) return undefined;
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isManifest(manifest) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const { version, variant, files } = value as Partial<Record<keyof Manifest, unknown>>;
  return (
    typeof version === 'string' &&
    typeof variant === 'string' &&
    typeof files === 'object' &&
    files !== null &&
    Object.values(files).every((size) => typeof size === 'number')
  );
}

function incomplete(folder: string, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('LIBTORCH_NOT_FOUND', {
    what: `"${folder}" is not a whole LibTorch`,
    expected,
    found,
    cause,
    nextStep:
      'name a folder that holds lib/ and include/ of LibTorch, or run `npx cifar10-torch install-runtime`',
  });
}
