// Owns the folder of one run: a name no other run has, and the files in it. Must not know what a run computes.
import { appendFile, mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from './atomic.js';
import { systemCode, writeError } from './errors.js';

/** Two digits of each part, joined: `2026-01-31`, `09-05-00`; local time. */
function dateAndTime(now: Date): [string, string] {
  const pad = (value: number) => String(value).padStart(2, '0');
  const date = [now.getFullYear(), pad(now.getMonth() + 1), pad(now.getDate())];
  return [date.join('-'), [now.getHours(), now.getMinutes(), now.getSeconds()].map(pad).join('-')];
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

  /** Makes `<outputDir>/<date>/<time>`, with `-2`, `-3`… behind it where another run began in the same second. */
  static async create(outputDir: string, now = new Date()): Promise<RunFolder> {
    const [date, time] = dateAndTime(now);
    let firstMade: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const path = resolve(outputDir, date, attempt === 1 ? time : `${time}-${attempt}`);
      try {
        firstMade ??= await mkdir(dirname(path), { recursive: true });
        await mkdir(path);
        return new RunFolder(path, firstMade);
      } catch (error) {
        const code = systemCode(error);
        if (code === 'EEXIST' && attempt < 1000) continue;
        // A run that failed may have removed the date folder, which was empty, between the two steps.
        if (code === 'ENOENT' && attempt < 5) continue;
        throw writeError(path, error);
      }
    }
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  async write(name: string, content: string): Promise<void> {
    await writeFileAtomic(this.pathOf(name), [content]);
  }

  /** Adds one JSON line. */
  async append(name: string, value: unknown): Promise<void> {
    try {
      await appendFile(this.pathOf(name), `${JSON.stringify(value)}\n`);
    } catch (error) {
      throw writeError(this.pathOf(name), error);
    }
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
