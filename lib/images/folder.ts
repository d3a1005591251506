// Owns finding the image files of a folder and of all folders below it, whatever their names are made of.
// Must not open an image.
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Cifar10Error, systemCode } from '../errors.js';
import { notFound } from './errors.js';

/** A file by its bytes: a name on Linux need not be UTF-8, and its text is then only near it. */
export interface FoundImage {
  /** For people and records; bytes that are not UTF-8 appear as U+FFFD. */
  readonly name: string;
  /** For the file system. */
  readonly path: Buffer;
}

/** Many of them are held at a time: one whose name is its path holds nothing else. */
class NamedFile implements FoundImage {
  readonly name: string;
  readonly #path: Buffer | undefined;

  constructor(name: string, path: Buffer) {
    this.name = name;
    this.#path = path.equals(Buffer.from(name)) ? undefined : path;
  }

  get path(): Buffer {
    return this.#path ?? Buffer.from(this.name);
  }
}

/** A folder below the one asked for that cannot be listed. */
export interface UnreadableFolder {
  readonly name: string;
  readonly error: Cifar10Error;
}

type Found = FoundImage | UnreadableFolder;

const IMAGE_NAME = /\.(jpe?g|png|webp)$/i;
const SLASH = Buffer.from('/');
const DOT = '.'.charCodeAt(0);

/**
 * The image files in a folder and all folders below it, by extension in any case, sorted by name; hidden names are
 * skipped. Symbolic links are followed, each folder is visited once. A folder below that cannot be read is listed too.
 * Errors: `IMAGE_NOT_FOUND` for a missing or unreadable folder, `NO_IMAGES_FOUND`.
 */
export async function listImages(folder: string): Promise<Found[]> {
  if (typeof folder !== 'string')
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: 'the folder of images is of another kind',
      expected: 'a path',
      found: folder === null ? 'null' : typeof folder,
      nextStep: 'give the path of a folder as a text',
    });
  const found: Found[] = [];
  const root = { name: folder, path: Buffer.from(folder) };
  const error = await collect(root, new Set(), found);
  if (error) throw error;
  if (found.length > 0) return found.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  throw new Cifar10Error('NO_IMAGES_FOUND', {
    what: `folder "${folder}" holds no images`,
    expected: 'files named .jpg, .jpeg, .png or .webp, there or in folders below',
    found: 'none',
    nextStep: 'give a folder with images',
  });
}

/**
 * Adds the images of a folder to `found`; returns the error if the folder itself cannot be listed.
 * `visited` holds the real paths of the folders seen, so that a loop of links ends.
 */
async function collect(
  folder: FoundImage,
  visited: Set<string>,
  found: Found[],
): Promise<Cifar10Error | undefined> {
  let entries: Dirent<Buffer>[];
  try {
    entries = await readFolder(folder.path, visited);
  } catch (error) {
    return notFound(`image folder "${folder.name}"`, 'a folder this user can read', error);
  }
  for (const entry of entries) {
    const below = {
      name: join(folder.name, entry.name.toString()),
      path: Buffer.concat([folder.path, SLASH, entry.name]),
    };
    const error = await add(entry, below, visited, found);
    if (error) found.push({ name: below.name, error });
  }
  return undefined;
}

/** Adds what the entry is or holds; returns the error if it cannot be looked into. */
async function add(
  entry: Dirent<Buffer>,
  below: FoundImage,
  visited: Set<string>,
  found: Found[],
): Promise<Cifar10Error | undefined> {
  try {
    if (await isFolder(entry, below.path)) return await collect(below, visited, found);
  } catch (error) {
    // Of an image, decoding says so.
    if (!IMAGE_NAME.test(below.name))
      return notFound(`"${below.name}"`, 'a link that can be followed', error);
  }
  if (IMAGE_NAME.test(below.name)) found.push(new NamedFile(below.name, below.path));
  return undefined;
}

async function readFolder(folder: Buffer, visited: Set<string>): Promise<Dirent<Buffer>[]> {
  const real = (await realpath(folder, 'buffer')).toString('latin1');
  if (visited.has(real)) return [];
  visited.add(real);
  const entries = await readdir(folder, { encoding: 'buffer', withFileTypes: true });
  return entries.filter(({ name }) => name[0] !== DOT).sort((a, b) => Buffer.compare(a.name, b.name));
}

/** False too for a link that leads nowhere, which is no folder and, unless by its name, no image. */
async function isFolder(entry: Dirent<Buffer>, path: Buffer): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}
