// Owns dynamic batching: decoded images of all callers wait in one line and run together, first come, first served.
// One batch runs at a time; what comes meanwhile is the next one. Must not decode, and sets no bound on the line.
import { AbortError } from '../errors.js';
import type { NativeClassification, NativeJob, NativePredictor } from '../native-addon.js';
import { fromNative } from '../native-job.js';
import type { Workload } from './workload.js';

/**
 * What became of images that ran together.
 *
 * @category Inference
 */
export interface BatchInfo {
  /** How many images. */
  readonly images: number;
  /** Of the forward pass, on its thread. */
  readonly durationMs: number;
  /** How long the first of them had waited before, decoded. */
  readonly waitedMs: number;
}

interface BatcherOptions {
  /** Images of one batch, at most. */
  readonly maxBatch: number;
  /** For how long the first image of a batch may wait for more; 0: not at all, once the model is free. */
  readonly maxDelayMs: number;
  readonly onBatch?: ((batch: BatchInfo) => void) | undefined;
}

/** An image in the line, or in the batch that runs. */
interface Waiting {
  readonly pixels: Uint8Array;
  readonly tta: number;
  /** `performance.now()` when it came. */
  readonly since: number;
  readonly resolve: (probabilities: Float32Array) => void;
  readonly reject: (error: unknown) => void;
  /** Its caller has given up. */
  isAbandoned: boolean;
}

const CLASSES = 10;

export class Batcher {
  readonly #predictor: NativePredictor;
  readonly #workload: Workload;
  readonly #options: BatcherOptions;
  #line: Waiting[] = [];
  #running: { images: readonly Waiting[]; job: NativeJob<NativeClassification> } | undefined;
  /** Runs out when the first image has waited for as long as it may. */
  #delay: NodeJS.Timeout | undefined;
  #start: NodeJS.Immediate | undefined;

  /** `workload`: learns what batches take. */
  constructor(predictor: NativePredictor, workload: Workload, options: BatcherOptions) {
    this.#predictor = predictor;
    this.#workload = workload;
    this.#options = options;
  }

  /**
   * The probabilities of an image: uint8 [32,32,3], which must not change until then, to float32 [classes].
   * An abort rejects at once; a batch that all callers have given up is stopped.
   * Errors: `ABORTED`, `OUT_OF_MEMORY`, `NATIVE_FAILURE`.
   */
  async run(pixels: Uint8Array, tta: number, signal: AbortSignal | undefined): Promise<Float32Array> {
    let abandon = () => {};
    const answer = new Promise<Float32Array>((resolve, reject) => {
      const image = { pixels, tta, since: performance.now(), resolve, reject, isAbandoned: false };
      abandon = () => this.#abandon(image, signal?.reason);
      if (signal?.aborted) return abandon();
      signal?.addEventListener('abort', abandon, { once: true });
      this.#line.push(image);
      this.#schedule();
    });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener('abort', abandon);
    }
  }

  #abandon(image: Waiting, reason: unknown): void {
    image.isAbandoned = true;
    image.reject(new AbortError('the classification was stopped', reason));
    this.#line = this.#line.filter((other) => other !== image);
    if (this.#running?.images.every(({ isAbandoned }) => isAbandoned)) this.#running.job.stop();
  }

  #schedule(): void {
    const [first] = this.#line;
    if (this.#running !== undefined || first === undefined) return;
    const { maxBatch, maxDelayMs } = this.#options;
    const leftMs = first.since + maxDelayMs - performance.now();
    if (leftMs <= 0 || this.#line.length >= maxBatch) this.#startSoon();
    else this.#delay ??= setTimeout(() => this.#startSoon(), leftMs);
  }

  /** After the other images that this turn of the event loop finds decoded. */
  #startSoon(): void {
    clearTimeout(this.#delay);
    this.#delay = undefined;
    this.#start ??= setImmediate(() => {
      this.#start = undefined;
      void this.#runBatch(this.#takeBatch());
    });
  }

  /** From the line, the first image and what can run together with it. */
  #takeBatch(): Waiting[] {
    const tta = this.#line[0]?.tta;
    const batch: Waiting[] = [];
    const rest: Waiting[] = [];
    for (const image of this.#line)
      (image.tta === tta && batch.length < this.#options.maxBatch ? batch : rest).push(image);
    this.#line = rest;
    return batch;
  }

  async #runBatch(images: readonly Waiting[]): Promise<void> {
    const [first] = images;
    if (first === undefined) return; // all have been given up since
    const began = performance.now();
    let seconds: number | undefined;
    try {
      const job = this.#predictor.classify(Buffer.concat(images.map(({ pixels }) => pixels)), first.tta);
      this.#running = { images, job };
      const answer = await job.result;
      for (const [index, { resolve }] of images.entries())
        resolve(answer.probabilities.slice(index * CLASSES, (index + 1) * CLASSES));
      seconds = answer.seconds;
    } catch (error) {
      for (const { reject } of images) reject(fromNative(error));
    }
    this.#running = undefined;
    this.#schedule();
    if (seconds === undefined) return;
    const durationMs = 1000 * seconds;
    this.#workload.learn(images.length, first.tta, durationMs);
    this.#options.onBatch?.({ images: images.length, durationMs, waitedMs: began - first.since });
  }
}
