// Owns reading a zip archive that nobody vouches for: its names, its texts, and single files onto the disk.
// Must not know what is in it.
import { createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { crc32 } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { AbortError, Cifar10Error, errorMessage, writeError } from '../errors.js';
import { BUILD_VERSION } from './version.js';

const TEXT_LIMIT_BYTES = 1 << 20;
/** LibTorch has a tenth of it. */
const ENTRY_LIMIT = 100_000;
const NAME_LIMIT_BYTES = 1024;
const NAME_PART_LIMIT_BYTES = 255; // of Linux
const SYMLINK = 0o120000;

/** An open archive. */
export interface Zip {
  path: string;
  file: ZipFile;
  entries: Map<string, Entry>;
}

/** One file of an archive. */
export interface Member {
  zip: Zip;
  entry: Entry;
}

/** Opens the archive and closes it after `work`. Errors: `LIBTORCH_ARCHIVE_INVALID`, those of `work`. */
export async function withZip<T>(path: string, work: (zip: Zip) => Promise<T>): Promise<T> {
  let file: ZipFile;
  try {
    file = await yauzl.openPromise(path, { autoClose: false, strictFileNames: true });
  } catch (error) {
    throw invalidArchive(path, 'a readable zip archive', errorMessage(error), error);
  }
  try {
    return await work({ path, file, entries: await readEntries(path, file) });
  } finally {
    file.close();
  }
}

/** Opens all of them at once, and closes them after `work`. Errors: as `withZip`. */
export function withZips<T>(paths: readonly string[], work: (zips: Zip[]) => Promise<T>): Promise<T> {
  const [first, ...others] = paths;
  if (first === undefined) return work([]);
  return withZip(first, (zip) => withZips(others, (zips) => work([zip, ...zips])));
}

/** The files of the archive by name; yauzl refuses absolute names, those with `..` and, as told to, with a backslash. */
async function readEntries(path: string, file: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  if (file.entryCount > ENTRY_LIMIT)
    throw invalidArchive(path, `at most ${ENTRY_LIMIT} files`, `${file.entryCount}`);
  try {
    for await (const entry of file.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      if (entries.has(entry.fileName)) throw new Error(`the name ${entry.fileName} twice`);
      refuseImpossibleName(entry.fileName);
      entries.set(entry.fileName, entry);
    }
    for (const name of entries.keys()) refuseFileAsFolder(name, entries);
  } catch (error) {
    throw invalidArchive(path, 'a list of safe file names', errorMessage(error), error);
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

/** Errors: `LIBTORCH_ARCHIVE_INVALID` for one that is too long or damaged. */
export async function readText({ zip, entry }: Member): Promise<string> {
  if (entry.uncompressedSize > TEXT_LIMIT_BYTES)
    throw invalidArchive(
      zip.path,
      `at most ${TEXT_LIMIT_BYTES} bytes in ${entry.fileName}`,
      `${entry.uncompressedSize} bytes`,
    );
  try {
    return (await buffer(await zip.file.openReadStreamPromise(entry))).toString('utf8');
  } catch (error) {
    throw invalidArchive(zip.path, `a readable ${entry.fileName}`, errorMessage(error), error);
  }
}

/**
 * Writes the file to the new path `target`; with `flush` it is on the disk before its name is.
 * Errors: `LIBTORCH_ARCHIVE_INVALID`, `DISK_FULL`, `NOT_WRITABLE`, `ABORTED`.
 */
export async function extract(
  { zip, entry }: Member,
  target: string,
  { signal, flush }: { signal: AbortSignal; flush: boolean },
): Promise<void> {
  const mode = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (mode === SYMLINK) throw invalidArchive(zip.path, `a plain file ${entry.fileName}`, 'a symbolic link');
  try {
    // yauzl fails a stream that is longer or shorter than the entry declares.
    const stream = await zip.file.openReadStreamPromise(entry);
    const output = createWriteStream(target, { flags: 'wx', flush });
    await pipeline(stream, (chunks: AsyncIterable<Buffer>) => verified(chunks, entry), output, { signal });
  } catch (error) {
    if (signal.aborted) throw new AbortError('unpacking LibTorch stopped', signal.reason);
    const failure = writeError(target, error);
    if (failure instanceof Cifar10Error) throw failure;
    throw invalidArchive(zip.path, `a readable ${entry.fileName}`, errorMessage(error), error);
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

export function invalidArchive(path: string, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('LIBTORCH_ARCHIVE_INVALID', {
    what: `"${path}" is not a LibTorch archive`,
    expected,
    found,
    nextStep: `fetch the archive of LibTorch ${BUILD_VERSION} or a wheel of torch ${BUILD_VERSION} again`,
    cause,
  });
}
