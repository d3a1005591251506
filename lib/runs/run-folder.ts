// Owns the folder of one run: a name no other run has, and the files in it. Must not know what a run computes.
import { appendFileSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../atomic.js';
import { systemCode, writeError } from '../errors.js';

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

  private constructor(
    readonly path: string,
    firstMade: string | undefined,
  ) {
    this.#firstMade = firstMade ?? path;
  }

  /** Makes `<parent>/<date>/<time>`, with `-2`, `-3`… behind it where another run began in the same second. */
  static async createDated(parent: string, now = new Date()): Promise<RunFolder> {
    return RunFolder.#createNew(resolve(parent, dateAndTime(now)));
  }

  /** Makes the folder `path`, which must be new, or takes the next name that is: `path-2`… */
  static async #createNew(path: string): Promise<RunFolder> {
    let firstMade: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const candidate = attempt === 1 ? path : `${path}-${attempt}`;
      try {
        firstMade ??= await mkdir(dirname(candidate), { recursive: true });
        await mkdir(candidate);
        return new RunFolder(candidate, firstMade);
      } catch (error) {
        const code = systemCode(error);
        if (code === 'EEXIST' && attempt < 1000) continue;
        // A run that failed may have removed the date folder, which was empty, between the two steps.
        if (code === 'ENOENT' && attempt < 5) continue;
        throw writeError(candidate, error);
      }
    }
  }

  /** Makes the folder `path` of a job of a sweep. */
  static async create(path: string): Promise<RunFolder> {
    return RunFolder.#createNew(resolve(path));
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
  }

  /** Adds to the end of a file, in the order of the calls: what has been added survives the end of the process. */
  append(name: string, content: string): void {
    try {
      appendFileSync(this.pathOf(name), content);
    } catch (error) {
      throw writeError(this.pathOf(name), error);
    }
  }

  /** The lines of a text file; none if there is no such file. */
  async readLines(name: string): Promise<string[]> {
    const text = await readFile(this.pathOf(name), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  async remove(name: string): Promise<void> {
    await rm(this.pathOf(name), { force: true });
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
