// Owns what a download has so far, beside the final name: the bytes, and which version of the file they are of.
// Must not know HTTP beyond the validator that it keeps.
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../atomic.js';

export class PartialFile {
  readonly path: string;
  readonly #finalPath: string;
  readonly #validatorPath: string;

  constructor(finalPath: string) {
    this.#finalPath = finalPath;
    this.path = `${finalPath}.part`;
    this.#validatorPath = `${finalPath}.part.etag`;
  }

  async sizeBytes(): Promise<number> {
    return (await stat(this.path).catch(() => undefined))?.size ?? 0;
  }

  /** The strong ETag or the date of the version that the bytes are of; empty if unknown. */
  async validator(): Promise<string> {
    return readFile(this.#validatorPath, 'utf8').catch(() => '');
  }

  /** Says which version the bytes to come are of, before the first of them is written. */
  async startOver(validator: string): Promise<void> {
    await rm(this.path, { force: true });
    await writeFile(this.#validatorPath, validator);
  }

  async discard(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.#validatorPath, { force: true });
  }

  /** Gives the bytes their final name. */
  async publish(): Promise<void> {
    await rename(this.path, this.#finalPath);
    await rm(this.#validatorPath, { force: true });
    await syncFolder(dirname(this.#finalPath));
  }
}
