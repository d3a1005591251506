// Owns reading a LibTorch archive, the official zip or a Python wheel, and unpacking what build and run need.
// Must not trust the archive: names, sizes and checksums are verified. Must not choose the target folder.
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { AbortError, Cifar10Error, errorMessage, writeError } from '../errors.js';
import {
  ACCEPTED_VERSIONS,
  BUILD_VERSION,
  guessVariant,
  isAcceptedVersion,
  parseVersionText,
  type TorchVersion,
  VERSION_FILES,
} from './version.js';

const PREFIXES = ['libtorch/', 'torch/']; // of the official archive and of a wheel
const CPU_LIBRARY = /^lib\/(libc10|libtorch_cpu|libtorch|libgomp[^/]*)\.so[^/]*$/;
const LIBRARY = /^lib\/[^/]+\.so[^/]*$/;
const NEEDLESS_LIBRARY = /libtorch_python|libshm|_test|test_|libaoti_custom_ops|libbackend_with_compiler/;
const TEXT_LIMIT_BYTES = 1 << 20;
/** Of all that is unpacked; LibTorch with CUDA takes a third of it. */
const UNPACKED_LIMIT_BYTES = 16 * 1024 ** 3;
const NAME_LIMIT_BYTES = 1024;
const NAME_PART_LIMIT_BYTES = 255; // of Linux
const SYMLINK = 0o120000;

export interface TorchArchive extends TorchVersion {
  path: string;
  zip: ZipFile;
  /** What is unpacked, by path relative to the LibTorch folder. */
  entries: Map<string, Entry>;
}

export interface UnpackOptions {
  signal: AbortSignal;
  onProgress: (progress: { doneBytes: number; totalBytes: number }) => void;
}

/**
 * Opens the archive, checks that it is LibTorch of an accepted version, and closes it after `work`.
 * Errors: `LIBTORCH_ARCHIVE_INVALID`, `LIBTORCH_VERSION`, those of `work`.
 */
export async function withArchive<T>(path: string, work: (archive: TorchArchive) => Promise<T>): Promise<T> {
  let zip: ZipFile;
  try {
    zip = await yauzl.openPromise(path, { autoClose: false });
  } catch (error) {
    throw invalid(path, 'a readable zip archive', errorMessage(error), error);
  }
  try {
    return await work(await readArchive(path, zip));
  } finally {
    zip.close();
  }
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
  const entries = [...archive.entries];
  const totalBytes = entries.reduce((sum, [, entry]) => sum + entry.uncompressedSize, 0);
  let doneBytes = 0;
  for (const parent of new Set(entries.map(([name]) => dirname(join(folder, name)))))
    await mkdir(parent, { recursive: true });
  for (const [name, entry] of entries) {
    await extract(archive, name, entry, join(folder, name), signal);
    doneBytes += entry.uncompressedSize;
    onProgress({ doneBytes, totalBytes });
  }
  const libraries = entries.filter(([name]) => LIBRARY.test(name));
  return Object.fromEntries(libraries.map(([name, entry]) => [name, entry.uncompressedSize]));
}

async function readArchive(path: string, zip: ZipFile): Promise<TorchArchive> {
  const all = await readEntries(path, zip);
  const prefix = PREFIXES.find((prefix) => all.has(`${prefix}lib/libtorch_cpu.so`));
  if (prefix === undefined)
    throw invalid(path, 'libtorch/lib/libtorch_cpu.so or torch/lib/libtorch_cpu.so', 'neither');
  await refuseSplitWheel(path, zip, all);
  const hasCuda = all.has(`${prefix}lib/libtorch_cuda.so`);
  const version = await readArchiveVersion(path, zip, all, prefix);
  const entries = new Map(
    [...all]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, entry]) => [name.slice(prefix.length), entry] as const)
      .filter(([name]) => isWanted(name, hasCuda)),
  );
  refuseTooLarge(path, entries);
  return { path, zip, entries, variant: guessVariant(hasCuda), ...version };
}

/** The files of the archive by name; yauzl refuses absolute names and those with `..` or a backslash. */
async function readEntries(path: string, zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      if (entries.has(entry.fileName)) throw new Error(`the name ${entry.fileName} twice`);
      refuseImpossibleName(entry.fileName);
      entries.set(entry.fileName, entry);
    }
    for (const name of entries.keys()) refuseFileAsFolder(name, entries);
  } catch (error) {
    throw invalid(path, 'a list of safe file names', errorMessage(error), error);
  }
  return entries;
}

/** What yauzl lets through and no file can be called, or not by this name alone. */
function refuseImpossibleName(name: string): void {
  if (name.includes('\0')) throw new Error('a name with a zero byte');
  const parts = name.split('/');
  // Two names could be the same file, which no comparison of the names shows.
  if (parts.includes('') || parts.includes('.'))
    throw new Error(`the name ${name} with a part that is no name`);
  const partBytes = parts.map((part) => Buffer.byteLength(part));
  if (Buffer.byteLength(name) > NAME_LIMIT_BYTES || Math.max(...partBytes) > NAME_PART_LIMIT_BYTES)
    throw new Error(`a name of ${Buffer.byteLength(name)} bytes`);
}

function refuseFileAsFolder(name: string, entries: Map<string, Entry>): void {
  for (let folder = dirname(name); folder !== '.'; folder = dirname(folder))
    if (entries.has(folder)) throw new Error(`the name ${folder} as a file and as a folder`);
}

function refuseTooLarge(path: string, entries: Map<string, Entry>): void {
  const bytes = [...entries.values()].reduce((sum, entry) => sum + entry.uncompressedSize, 0);
  if (bytes > UNPACKED_LIMIT_BYTES)
    throw invalid(path, `at most ${UNPACKED_LIMIT_BYTES} bytes to unpack`, `${bytes} bytes`);
}

function isWanted(name: string, hasCuda: boolean): boolean {
  if (name.startsWith('include/') || VERSION_FILES.includes(name)) return true;
  // What CUDA needs is an open set, so that only what is surely needless is left out.
  return hasCuda ? LIBRARY.test(name) && !NEEDLESS_LIBRARY.test(name) : CPU_LIBRARY.test(name);
}

/** CUDA wheels leave NVIDIA's libraries to other wheels: unpacked alone, they could not be loaded. */
async function refuseSplitWheel(path: string, zip: ZipFile, all: Map<string, Entry>): Promise<void> {
  const metadata = [...all].find(([name]) => /^torch-[^/]+\.dist-info\/METADATA$/.test(name))?.[1];
  if (metadata === undefined) return;
  const text = await readText(path, zip, metadata);
  const needed = /^Requires-Dist:\s*((?:nvidia|cuda)-[\w-]+)/m.exec(text)?.[1];
  if (needed !== undefined)
    throw new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
      what: `"${path}" cannot be used by itself`,
      expected: 'a wheel that holds all its libraries',
      found: `one that needs the package ${needed}`,
      nextStep: `run \`python3 -m pip install torch==${BUILD_VERSION}\`: an installed PyTorch is found by itself`,
    });
}

async function readArchiveVersion(path: string, zip: ZipFile, all: Map<string, Entry>, prefix: string) {
  const entry = VERSION_FILES.map((name) => all.get(prefix + name)).find((entry) => entry !== undefined);
  const version = entry && parseVersionText(await readText(path, zip, entry));
  if (version === undefined) throw invalid(path, `the version in ${VERSION_FILES.join(' or ')}`, 'none');
  if (!isAcceptedVersion(version.version))
    throw new Cifar10Error('LIBTORCH_VERSION', {
      what: `"${path}" has a version that does not fit`,
      expected: `LibTorch ${ACCEPTED_VERSIONS}`,
      found: version.version,
      nextStep: `fetch LibTorch ${BUILD_VERSION}`,
    });
  return version;
}

async function readText(path: string, zip: ZipFile, entry: Entry): Promise<string> {
  if (entry.uncompressedSize > TEXT_LIMIT_BYTES)
    throw invalid(
      path,
      `at most ${TEXT_LIMIT_BYTES} bytes in ${entry.fileName}`,
      `${entry.uncompressedSize} bytes`,
    );
  try {
    return (await buffer(await zip.openReadStreamPromise(entry))).toString('utf8');
  } catch (error) {
    throw invalid(path, `a readable ${entry.fileName}`, errorMessage(error), error);
  }
}

async function extract(
  archive: TorchArchive,
  name: string,
  entry: Entry,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const mode = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (mode === SYMLINK) throw invalid(archive.path, `a plain file ${name}`, 'a symbolic link');
  try {
    // yauzl fails a stream that is longer or shorter than the entry declares.
    const stream = await archive.zip.openReadStreamPromise(entry);
    // A library must be on the disk before its name is; of 9,000 headers this would take minutes.
    const output = createWriteStream(target, { flags: 'wx', flush: LIBRARY.test(name) });
    await pipeline(stream, (chunks: AsyncIterable<Buffer>) => verified(chunks, entry), output, { signal });
  } catch (error) {
    if (signal.aborted) throw new AbortError('unpacking LibTorch stopped', signal.reason);
    const failure = writeError(target, error);
    if (failure instanceof Cifar10Error) throw failure;
    throw invalid(archive.path, `a readable ${name}`, errorMessage(error), error);
  }
}

async function* verified(chunks: AsyncIterable<Buffer>, entry: Entry): AsyncGenerator<Buffer> {
  let checksum = 0;
  for await (const chunk of chunks) {
    checksum = crc32(chunk, checksum);
    yield chunk;
  }
  if (checksum !== entry.crc32) throw new Error('bytes that do not fit their checksum');
}

function invalid(path: string, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
    what: `"${path}" is not a LibTorch archive`,
    expected,
    found,
    nextStep: `fetch the archive of LibTorch ${BUILD_VERSION} or a wheel of torch ${BUILD_VERSION} again`,
    cause,
  });
}
