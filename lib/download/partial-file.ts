// Owns what a download has so far, beside the final name: the bytes, and which version of the file they are of.
// Must write nowhere else, whatever lies at its names, and must not know HTTP beyond the validator that it keeps.
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { refuseFolder, syncFolder } from '../atomic.js';

const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
const VERSION_LIMIT_BYTES = 1 << 14;

/** What is known of the file that the bytes are a part of. */
export interface Version {
  /** The strong ETag or the date; empty if unknown. */
  validator: string;
  /** Of the whole file. */
  totalBytes: number | undefined;
}

export class PartialFile {
  readonly path: string;
  readonly #finalPath: string;
  readonly #versionPath: string;

  constructor(finalPath: string) {
    this.#finalPath = finalPath;
    this.path = `${finalPath}.part`;
    this.#versionPath = `${finalPath}.part.etag`;
  }

  async sizeBytes(): Promise<number> {
    return sizeOfOwn(this.path);
  }

  async version(): Promise<Version> {
    const sizeBytes = await sizeOfOwn(this.#versionPath);
    const isOurs = sizeBytes > 0 && sizeBytes <= VERSION_LIMIT_BYTES;
    const text = isOurs ? await readFile(this.#versionPath, 'utf8') : '';
    const [validator = '', total = ''] = text.split('\n');
    return { validator, totalBytes: /^\d+$/.test(total) ? Number(total) : undefined };
  }

  /** Says which version the bytes to come are of, before the first of them is written. */
  async startOver({ validator, totalBytes }: Version): Promise<void> {
    await this.discard();
    await writeFile(this.#versionPath, `${validator}\n${totalBytes ?? ''}`, { flag: 'wx' });
  }

  /** For writing at the end. */
  async open(): Promise<FileHandle> {
    return open(this.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW);
  }

  async discard(): Promise<void> {
    for (const path of [this.path, this.#versionPath]) {
      await refuseFolder(path);
      await rm(path, { force: true });
    }
  }

  /** Gives the bytes their final name. */
  async publish(): Promise<void> {
    await rename(this.path, this.#finalPath);
    await rm(this.#versionPath, { force: true });
    await syncFolder(dirname(this.#finalPath));
  }
}

/** Of a file that can only be ours; a link, whose target may be anyone's, is removed, and so is what is no file. */
async function sizeOfOwn(path: string): Promise<number> {
  await refuseFolder(path);
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile() && found.nlink === 1) return found.size;
  await rm(path, { force: true });
  return 0;
}
