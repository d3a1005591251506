// Owns the folder of one run: a name no other run has, and the files in it. Must not know what a run computes.
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isTemporary, temporaryPath, writeFileAtomic } from '../atomic.js';
import { Cifar10Error, errorMessage, systemCode, writeError } from '../errors.js';
import { AppendedFile } from './appended-file.js';

/** `2026-01-31/09-05-00`; local time. */
function dateAndTime(now: Date): string {
  const pad = (value: number) => String(value).padStart(2, '0');
  const date = [now.getFullYear(), pad(now.getMonth() + 1), pad(now.getDate())];
  return join(date.join('-'), [now.getHours(), now.getMinutes(), now.getSeconds()].map(pad).join('-'));
}

/** A run's folder and the only way to write into it. Errors of every method: `DISK_FULL`, `NOT_WRITABLE`. */
export class RunFolder {
  /** The outermost folder that was made for this run. */
  readonly #firstMade: string;
  readonly #appended = new Map<string, AppendedFile>();

  private constructor(
    readonly path: string,
    firstMade: string | undefined,
  ) {
    this.#firstMade = firstMade ?? path;
  }

  /** Makes `<parent>/<date>/<time>`, with `-2`, `-3`… behind it where another run began in the same second. */
  static async createDated(parent: string, now = new Date()): Promise<RunFolder> {
    const path = resolve(parent, dateAndTime(now));
    for (let attempt = 1; ; attempt++) {
      const folder = await RunFolder.#make(attempt === 1 ? path : `${path}-${attempt}`);
      if (folder !== undefined) return folder;
    }
  }

  /** Makes the folder. Errors: also `NOT_WRITABLE` where something is there already. */
  static async create(path: string): Promise<RunFolder> {
    const folder = await RunFolder.#make(resolve(path));
    if (folder !== undefined) return folder;
    throw writeError(path, Object.assign(new Error('it is there already'), { code: 'EEXIST' }));
  }

  /** Undefined where something of that name is there. */
  static async #make(path: string): Promise<RunFolder | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        const firstMade = await mkdir(dirname(path), { recursive: true });
        await mkdir(path);
        return new RunFolder(path, firstMade);
      } catch (error) {
        const code = systemCode(error);
        if (code === 'EEXIST' && existsSync(path)) return undefined;
        // A run that failed may have removed the date folder, which was empty, between the two steps.
        if (code === 'ENOENT' && attempt < 5) continue;
        throw writeError(path, error);
      }
    }
  }

  /** The folder of a run that goes on. */
  static reopen(path: string): RunFolder {
    return new RunFolder(resolve(path), undefined);
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  async write(name: string, content: string): Promise<void> {
    await writeFileAtomic(this.pathOf(name), [content]);
    this.#appended.delete(name); // what is appended to is another file now
  }

  /**
   * Adds to the end of a file, in the order of the calls: what has been added survives the end of the process. What
   * cannot be written now is written by the next call.
   */
  append(name: string, content: string): void {
    const path = this.pathOf(name);
    try {
      const file = this.#appended.get(name) ?? new AppendedFile(path);
      this.#appended.set(name, file);
      file.append(content);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** Gives a file a second name, under which it stays when the first is given to another; one of that name goes. */
  async link(name: string, other: string): Promise<void> {
    const [path, target] = [this.pathOf(name), this.pathOf(other)];
    const temporary = temporaryPath(target);
    try {
      await link(path, temporary).catch(() => copyFile(path, temporary)); // where there are no links
      await rename(temporary, target);
    } catch (error) {
      throw writeError(target, error);
    } finally {
      // Also behind a rename: between two names of one file that does nothing.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  /** The names of all files. */
  async list(): Promise<string[]> {
    return readdir(this.path).catch((error: unknown) => {
      throw writeError(this.path, error);
    });
  }

  /** The whole lines of a text file; none if there is no such file. Errors: `RUN_INVALID`. */
  async readLines(name: string): Promise<string[]> {
    try {
      return (await readFile(this.pathOf(name), 'utf8')).split('\n').slice(0, -1);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return [];
      throw new Cifar10Error('RUN_INVALID', {
        what: `"${this.pathOf(name)}" cannot be read`,
        found: systemCode(error) ?? errorMessage(error),
        nextStep: 'restore the file, or begin a new run',
        cause: error,
      });
    }
  }

  /** Removes what a process that was killed while it wrote has left. */
  async removeTemporaries(): Promise<void> {
    for (const name of await this.list()) if (isTemporary(name)) await this.remove(name);
  }

  async remove(name: string): Promise<void> {
    await unlink(this.pathOf(name)).catch((error: unknown) => {
      if (systemCode(error) !== 'ENOENT') throw writeError(this.pathOf(name), error);
    });
  }

  /** Removes the folder of a run that left nothing to keep, and the folders made for it that are empty. */
  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true }).catch(() => undefined);
    for (let folder = this.path; folder !== this.#firstMade; ) {
      folder = dirname(folder);
      await rmdir(folder).catch(() => undefined);
    }
  }
}
