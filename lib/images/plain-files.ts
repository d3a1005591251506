// Owns threads that read and decode plain PNG files ahead of their use. Where there are none to be had, nothing is read ahead:
// all files can be decoded without.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { usableCores } from '../cores.js';
import { PACKAGE_ROOT } from '../package-root.js';
import type { FoundImage } from './folder.js';
import type { PlainAnswer, PlainRequest } from './plain-worker.js';

/** Compiled, also where this code itself runs from the TypeScript sources. */
const SCRIPT = join(PACKAGE_ROOT, 'dist/lib/images/plain-worker.js');
/** As many as threads in Node.js's pool: where a disk is slow, they wait for it side by side. */
const MAX_THREADS = 4;
const PNG_NAME = /\.png$/i;

type Pixels = Uint8Array | undefined;

export class PlainFiles {
  readonly #size: number;
  readonly #threads: ReadingThread[];
  #next = 0;

  /** `size`: of a side of the pictures, in pixels. */
  constructor(size = 32) {
    this.#size = size;
    this.#threads = Array.from({ length: Math.min(MAX_THREADS, usableCores()) }, () => new ReadingThread());
  }

  /**
   * The pixels of those that are plain PNG files of that size, as `decodeImage` gives them: uint8 [size, size, 3]; undefined for all
   * others, which are not judged. The results are in the order of the files. Never rejects.
   */
  async read(files: readonly FoundImage[]): Promise<Pixels[]> {
    const places = files.flatMap(({ name }, index) => (PNG_NAME.test(name) ? [index] : []));
    const pixels = new Array<Pixels>(files.length).fill(undefined);
    if (places.length === 0) return pixels;
    const paths = places.map((place) => (files[place] as FoundImage).path.toString('latin1')).join('\0');
    const answer = await this.#nextThread().ask({ paths, size: this.#size });
    const length = this.#size * this.#size * 3;
    for (const [index, place] of places.entries())
      if (answer?.isDecoded[index] === 1)
        pixels[place] = answer.pixels.subarray(index * length, (index + 1) * length);
    return pixels;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #nextThread(): ReadingThread {
    this.#next = (this.#next + 1) % this.#threads.length;
    return this.#threads[this.#next] as ReadingThread;
  }
}

type Resolve = (answer: PlainAnswer | undefined) => void;

/** Keeps the process alive only while it is asked for something. */
class ReadingThread {
  #worker: Worker | undefined;
  /** Closed, or not to be had: nothing is read any more. */
  #isOver = false;
  /** In the order of the questions. */
  readonly #waiting: Resolve[] = [];

  /** Undefined where the thread cannot be had. */
  ask(request: PlainRequest): Promise<PlainAnswer | undefined> {
    return new Promise((resolve) => {
      if (!this.#isOver) this.#worker ??= this.#start();
      if (this.#worker === undefined) return resolve(undefined);
      this.#waiting.push(resolve);
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#worker?.terminate();
  }

  #start(): Worker | undefined {
    try {
      const worker = new Worker(SCRIPT, { execArgv: [] });
      worker.on('message', (answer: PlainAnswer) => this.#answer(answer));
      worker.on('error', () => this.#fail());
      worker.on('exit', () => this.#fail());
      return worker;
    } catch {
      this.#isOver = true; // Node.js's permissions may forbid it
      return undefined;
    }
  }

  #answer(answer: PlainAnswer): void {
    this.#waiting.shift()?.(answer);
    if (this.#waiting.length === 0) this.#worker?.unref();
  }

  #fail(): void {
    this.#isOver = true;
    this.#worker = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }
}
