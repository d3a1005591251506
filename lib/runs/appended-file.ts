// Owns a text file that grows at its end: whatever is cut off by a disk that is full for a while is written again.
import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';

/** Synchronous, so that what has been added survives the end of the process. */
export class AppendedFile {
  readonly #path: string;
  /** Of what is known to be whole. */
  #bytes: number;
  /** Not in the file yet. */
  #pending = '';

  constructor(path: string) {
    this.#path = path;
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Errors: those of the system; the text is then kept and written with the next one. */
  append(text: string): void {
    this.#pending += text;
    const bytes = Buffer.from(this.#pending);
    const file = openSync(this.#path, 'a+');
    try {
      if (fstatSync(file).size > this.#bytes) ftruncateSync(file, this.#bytes);
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
    } finally {
      closeSync(file);
    }
    this.#bytes += bytes.length;
    this.#pending = '';
  }
}
