// Owns putting classified image files into a folder for each class: whole files, each at the place that its path below the folder
// of images names, and nothing of what is there overwritten. Must not classify.
import { constants } from 'node:fs';
import {
  copyFile,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isTemporary, temporaryPath } from '../atomic.js';
import { Cifar10Error, systemCode, writeError } from '../errors.js';
import { hashFile } from '../hash-file.js';
import type { FoundImage } from '../images/index.js';
import { quoted } from '../printable.js';
import { isAlive } from '../process-identity.js';

/**
 * Where classified files are put, and how.
 *
 * @category Inference
 */
export interface SortInto {
  /**
   * Made if missing; must not lie in the folder of images. A file `sub/a.png` there that is a cat is then `cat/sub/a.png` here. A file
   * of that name that is not the same is an error, and stays; the same one is left as it is.
   */
  folder: string;
  /**
   * `copy`; `hardlink`, which takes no space and needs the same file system; or `symlink`, to the absolute path. Default: `copy`.
   */
  mode?: 'copy' | 'hardlink' | 'symlink' | undefined;
}

type Mode = NonNullable<SortInto['mode']>;

const MODES: readonly Mode[] = ['copy', 'hardlink', 'symlink'];

export class SortedFolder {
  readonly #folder: Buffer;
  readonly #mode: Mode;
  /** Bytes of paths of images before their part below the folder of images. */
  readonly #prefixBytes: number;
  /** Known to be there. */
  readonly #folders = new Set<string>();
  readonly #pending = new Set<Promise<void>>();
  #isClosed = false;

  private constructor(testDir: string, { folder, mode = 'copy' }: SortInto) {
    this.#folder = Buffer.from(resolve(folder));
    this.#mode = mode;
    this.#prefixBytes = Buffer.byteLength(testDir) + 1;
  }

  /** Errors: `INVALID_ARGUMENT`, `NOT_WRITABLE`, `DISK_FULL`. */
  static async open(testDir: string, into: SortInto, classNames: readonly string[]): Promise<SortedFolder> {
    assertMode(into);
    for (const name of classNames) assertFolderName(name);
    await refuseInside(testDir, into.folder);
    await mkdir(into.folder, { recursive: true }).catch((error) => {
      throw writeError(into.folder, error);
    });
    return new SortedFolder(testDir, into);
  }

  /** Errors: `NOT_WRITABLE`, `DISK_FULL`; nothing is left of what was begun. */
  async put(image: FoundImage, label: string): Promise<void> {
    if (this.#isClosed) return; // nobody waits for its record any more
    const work = this.#put(image, label);
    this.#pending.add(work);
    await work.finally(() => this.#pending.delete(work));
  }

  /** Begins no more files, and resolves when those under way are there or gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#pending);
  }

  async #put({ path }: FoundImage, label: string): Promise<void> {
    const below = path.subarray(this.#prefixBytes);
    const target = Buffer.concat([this.#folder, Buffer.from(`${sep}${label}${sep}`), below]);
    try {
      await this.#makeFolder(target.subarray(0, target.lastIndexOf(sep)));
      await PUT[this.#mode](path, target);
    } catch (error) {
      await this.#settle(error, path, target);
    }
  }

  async #makeFolder(folder: Buffer): Promise<void> {
    const key = folder.toString('latin1');
    if (this.#folders.has(key)) return;
    await mkdir(folder, { recursive: true });
    await removeLeftovers(folder);
    this.#folders.add(key);
  }

  /** What is there may be the same file, of a run that was interrupted. */
  async #settle(error: unknown, path: Buffer, target: Buffer): Promise<void> {
    const name = target.toString();
    const code = systemCode(error);
    if (code === 'EEXIST' && (await IS_SAME[this.#mode](path, target).catch(() => false))) return;
    if (code !== 'EEXIST' && code !== 'EXDEV') throw writeError(name, error);
    throw new Cifar10Error('NOT_WRITABLE', {
      what: `"${name}" cannot be written`,
      expected:
        code === 'EEXIST' ? 'nothing of that name, or the same file' : 'the file system of the images',
      found: code === 'EEXIST' ? 'another file' : 'another file system',
      nextStep:
        code === 'EEXIST' ? 'choose another folder, or move the file away' : 'copy or use symbolic links',
      cause: error,
    });
  }
}

/** Each fails with `EEXIST` where something of the name is there. */
const PUT: Record<Mode, (source: Buffer, target: Buffer) => Promise<void>> = {
  copy: copyWhole,
  hardlink: async (source, target) => link(await realpath(source, 'buffer'), target), // of a link that it may be
  symlink: async (source, target) => symlink(absolute(source), target),
};

const IS_SAME: Record<Mode, (source: Buffer, target: Buffer) => Promise<boolean>> = {
  copy: haveSameBytes,
  hardlink: async (source, target) => {
    const [one, other] = [await lstat(await realpath(source, 'buffer')), await lstat(target)];
    return one.dev === other.dev && one.ino === other.ino;
  },
  symlink: async (source, target) => (await readlink(target, 'buffer')).equals(absolute(source)),
};

/** The machine is in it: on a shared folder others may be copying, too. */
const COPY_NAME = `cifar10-torch@${hostname()}`;

/** Under a name of its own until it is whole; rename would replace what has the name. */
async function copyWhole(source: Buffer, target: Buffer): Promise<void> {
  const folder = target.subarray(0, target.lastIndexOf(sep) + 1);
  const temporary = Buffer.concat([folder, Buffer.from(temporaryPath(COPY_NAME))]);
  try {
    await copyFile(source, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await sync(temporary);
    await giveName(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Of processes of this machine that ended while they copied. */
async function removeLeftovers(folder: Buffer): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`.${COPY_NAME}.`) || !isTemporary(name)) continue;
    const pid = Number(name.slice(COPY_NAME.length + 2).split('.')[0]);
    if (isAlive({ host: hostname(), pid, started: null })) continue;
    await rm(Buffer.concat([folder, Buffer.from(`${sep}${name}`)]), { force: true });
  }
}

/** A record must not outlive a power cut that its copy does not. */
async function sync(path: Buffer): Promise<void> {
  const handle = await open(path, 'r'); // a copy of a file that may not be written may not be, either
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What file systems without hard links (exFAT, SMB) answer. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** Fails with `EEXIST` where something has the name. */
async function giveName(temporary: Buffer, target: Buffer): Promise<void> {
  try {
    await link(temporary, target);
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error;
    await renameToNew(temporary, target);
  }
}

/** The name is taken by an empty file first, which may be replaced. */
async function renameToNew(temporary: Buffer, target: Buffer): Promise<void> {
  await (await open(target, 'wx')).close();
  try {
    await rename(temporary, target);
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
}

async function haveSameBytes(source: Buffer, target: Buffer): Promise<boolean> {
  const [one, other] = [await stat(source), await lstat(target)];
  if (!other.isFile() || one.size !== other.size) return false;
  return (await hashFile(source, 'sha256')) === (await hashFile(target, 'sha256'));
}

/** As it was given, but from the root on: a link that it may be is not followed. */
function absolute(path: Buffer): Buffer {
  return path[0] === sep.charCodeAt(0) ? path : Buffer.concat([Buffer.from(`${process.cwd()}${sep}`), path]);
}

function assertMode({ mode = 'copy' }: SortInto): void {
  if (MODES.includes(mode)) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'the way of sorting files is unknown',
    expected: MODES.join(', '),
    found: String(mode),
    nextStep: 'give one of them',
  });
}

/** A checkpoint may come from anywhere, and so may the names of its classes. */
function assertFolderName(className: string): void {
  const isName =
    !['', '.', '..'].includes(className) && !className.includes(sep) && !className.includes('\0');
  if (isName) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'files cannot be sorted into a folder for each class',
    expected: 'class names that are names of folders',
    found: quoted(className),
    nextStep: 'classify without sorting',
  });
}

/** The next run would find all images twice. */
async function refuseInside(testDir: string, folder: string): Promise<void> {
  const way = relative(await realPathOf(resolve(testDir)), await realPathOf(resolve(folder)));
  if (way === '..' || way.startsWith(`..${sep}`)) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: `files cannot be sorted into "${folder}"`,
    expected: 'a folder outside that of the images',
    found: 'one in it',
    nextStep: 'choose another folder',
  });
}

/** Also of what is not there yet. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw writeError(path, error);
    return join(await realPathOf(dirname(path)), basename(path));
  }
}
