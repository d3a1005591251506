// Owns a loaded model that classifies images of any number of callers: inputs are kept as they were given, decoded, batched, and
// bounded in number. Must not know folders or HTTP.
import { Semaphore } from 'async-mutex';
import { pMapIterable } from 'p-map';
import { forManyListeners, throwIfAborted } from '../abort-signal.js';
import { assertValidInference, modelLabel } from '../config/index.js';
import { Cifar10Error } from '../errors.js';
import { decodeImage, type FoundImage, type ImageInput, snapshot } from '../images/index.js';
import { type Model, openModel, type RuntimeOptions } from '../model.js';
import { expectOtherWork } from '../native.js';
import type { Precision } from '../native-addon.js';
import { runJob } from '../native-job.js';
import { Batcher, type BatchInfo } from './batcher.js';
import { type Prediction, rank } from './prediction.js';
import { Workload } from './workload.js';

/**
 * What a classification tells, and by how many views.
 *
 * @category Inference
 */
export interface ClassifyOptions {
  /** How many classes to list, 1 to 10. Default: 3. */
  topK?: number | undefined;
  /** Test-time augmentation: 0 none (default), 1 mirror, 2 mirror and shifts. */
  tta?: 0 | 1 | 2 | undefined;
  /** Gives the images up at once, those that are in a running batch too; one that is being decoded, after that. */
  signal?: AbortSignal | undefined;
}

/**
 * How a model is run for many callers.
 *
 * @category Inference
 */
export interface ClassifierOptions extends RuntimeOptions {
  /** Images that run together, at most: 1 to 10,000. More is faster for all together, and longer for each. Default: 64. */
  maxBatch?: number | undefined;
  /**
   * For how long an image may wait for others to run together with, in milliseconds, 0 to 10,000. Default: 0: what has come
   * while the last batch ran is the next one.
   */
  maxDelayMs?: number | undefined;
  /** Images of all calls that are decoded, waiting or running, at most: 1 to 1,000,000. Default: 1024. */
  maxQueue?: number | undefined;
  /**
   * For how long a call may have to wait for the model, in milliseconds, 1 to 600,000: one that would wait for longer, as
   * the last batches went, is refused, but for `classifyEach`, which waits. Default: for any time.
   */
  maxWaitMs?: number | undefined;
  /** Called after each batch that was answered, for metrics. It must not throw: that would be an unhandled rejection. */
  onBatch?: ((batch: BatchInfo) => void) | undefined;
}

/**
 * Which model a classifier has, and how it is run: nothing is `auto`.
 *
 * @category Inference
 */
export interface ClassifierInfo {
  /** The first 12 digits of the SHA-256 that the checkpoint carries of its content. */
  readonly version: string;
  /** The name that runs of it have in tables: `fast`, `resnet20`… */
  readonly net: string;
  /** Weights and biases; running statistics do not count. */
  readonly parameterCount: number;
  /** Where it computes. */
  readonly device: 'cpu' | 'cuda';
  /** Of activations. */
  readonly dtype: Precision;
  /** How many threads compute. */
  readonly threads: number;
}

const PIXEL_BYTES = 32 * 32 * 3;
const DEFAULTS = { maxBatch: 64, maxDelayMs: 0, maxQueue: 1024, maxWaitMs: Number.POSITIVE_INFINITY };

/**
 * A model that is loaded once and classifies for as long as the program runs. Calls may overlap: images of all of them
 * that wait at the same time run together. The event loop stays free: decoding is in libuv's pool, the net on a thread of
 * its own.
 *
 * @category Inference
 */
export class Classifier {
  readonly #model: Model;
  readonly #batcher: Batcher;
  /** Images that may be decoded, waiting or running at the same time. */
  readonly maxQueue: number;
  /** For how long a call may have to wait for the model, in milliseconds. */
  readonly maxWaitMs: number;
  /** Of the images that have places. */
  readonly #workload = new Workload();
  /** Of images that are decoded, waiting or running. */
  readonly #places: Semaphore;
  /** Images of one caller at the same time: a batch to run, and one to be decoded meanwhile. */
  readonly #window: number;
  #closed: Promise<void> | undefined;

  private constructor(model: Model, options: ClassifierOptions) {
    const { maxBatch = DEFAULTS.maxBatch, maxDelayMs = DEFAULTS.maxDelayMs } = options;
    this.#model = model;
    const { onBatch } = options;
    this.#batcher = new Batcher(model.predictor, this.#workload, { maxBatch, maxDelayMs, onBatch });
    this.maxQueue = options.maxQueue ?? DEFAULTS.maxQueue;
    this.maxWaitMs = options.maxWaitMs ?? DEFAULTS.maxWaitMs;
    this.#places = new Semaphore(this.maxQueue);
    this.#window = Math.min(2 * maxBatch, this.maxQueue);
  }

  /**
   * Reads a checkpoint and makes it ready.
   * Errors: `CHECKPOINT_*`, `INVALID_ARGUMENT`, `DEVICE_UNAVAILABLE`, `LIBTORCH_*`, `ADDON_*`, `OUT_OF_MEMORY`.
   */
  static async load(checkpoint: string, options: ClassifierOptions = {}): Promise<Classifier> {
    expectOtherWork(); // decoding, and what its callers do
    const batchSize = options.maxBatch ?? DEFAULTS.maxBatch;
    return new Classifier(await openModel(checkpoint, options, { batchSize }), options);
  }

  /** The names of the classes, indexed by label. */
  get classNames(): readonly string[] {
    return this.#model.classNames;
  }

  /** Which model this is, and how it is run. */
  get info(): ClassifierInfo {
    const { config, sha256, parameterCount, runtime } = this.#model;
    const { device, precision, threads } = runtime;
    return {
      version: sha256.slice(0, 12),
      net: modelLabel(config.model),
      parameterCount,
      device,
      dtype: precision,
      threads,
    };
  }

  /** Images that are decoded, waiting or running. */
  get pending(): number {
    return this.maxQueue - this.#places.getValue();
  }

  /**
   * For how long the pending images will keep the model busy, in milliseconds, as the last batches went: what one that
   * comes now waits, `maxDelayMs` aside. 0 before the first batch.
   */
  get expectedWaitMs(): number {
    return this.#workload.expectedMs;
  }

  /**
   * Classifies one or many images; the results are in their order. What the caller does to the images afterwards changes
   * nothing. An image that cannot be decoded rejects the whole call. A call of more than two batches has no more than
   * these at work at a time.
   * Errors: `QUEUE_FULL`, `IMAGE_NOT_FOUND`, `IMAGE_INVALID`, `INVALID_ARGUMENT`, `ABORTED`, `OUT_OF_MEMORY`,
   * `CLASSIFIER_CLOSED`.
   */
  async classify(
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions = {},
  ): Promise<Prediction[]> {
    const { topK = 3 } = options;
    const probabilities = await this.probabilities(images, options);
    return probabilities.map((image) => rank(image, this.classNames, topK));
  }

  /** As `classify`, with all that the net says of each image: float32 [10], by label, 0–1, which sum to 1. */
  async probabilities(
    images: ImageInput | readonly ImageInput[],
    options: ClassifyOptions = {},
  ): Promise<Float32Array[]> {
    this.#assertUsable(options);
    const inputs = (isList(images) ? images : [images]).map(snapshot);
    const shared = { ...options, signal: forManyListeners(options.signal) };
    const workers = Math.min(inputs.length, this.#window);
    this.#assertRoom(workers);
    const { tta = 0 } = options;
    this.#workload.add(workers, tta);
    const results: Float32Array[] = [];
    const left = inputs.entries();
    let hasFailed = false;
    // Each holds one place for as long as there are images left: all of them are taken before anything is waited for.
    const work = async () => {
      for (const [index, image] of left) {
        if (hasFailed) return;
        results[index] = await this.#run(image, shared);
      }
    };
    const fail = (error: unknown) => {
      hasFailed = true;
      throw error;
    };
    await Promise.all(
      Array.from({ length: workers }, () =>
        this.#places.runExclusive(() => this.#counted(tta, () => work().catch(fail))),
      ),
    );
    return results;
  }

  /**
   * Classifies images as they come, of a camera, say: gives each prediction as soon as it and all before it are there, and
   * asks for no more images while two batches of them are at work. Waits where `classify` would find no place. What
   * becomes of an image after it was given changes nothing. Ends with the first image that cannot be decoded.
   * Errors: those of `classify`, but for `QUEUE_FULL`, and what `images` throws.
   */
  async *classifyEach(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: ClassifyOptions = {},
  ): AsyncGenerator<Prediction, void, undefined> {
    this.#assertUsable(options);
    const { topK = 3 } = options;
    const shared = { ...options, signal: forManyListeners(options.signal) };
    const classify = async (image: ImageInput) =>
      rank(await this.whenFree(image, shared), this.classNames, topK);
    yield* pMapIterable(kept(images), classify, { concurrency: this.#window });
  }

  /**
   * The probabilities of one image, which must stay as it is, when there is a place for it. A signal of many images
   * should be one of `forManyListeners`.
   * @internal
   */
  async whenFree(image: ImageInput | FoundImage, options: ClassifyOptions): Promise<Float32Array> {
    this.#assertOpen();
    return this.#places.runExclusive(() => {
      const { tta = 0 } = options;
      this.#workload.add(1, tta);
      return this.#counted(tta, () => this.#run(image, options));
    });
  }

  /**
   * The probabilities of so many black images, as one batch that passes the line: what the first batch of a size would
   * otherwise wait for is done then, and how long images take is known from then on.
   * @internal
   */
  async probe(images: number): Promise<Float32Array> {
    this.#assertOpen();
    const pixels = new Uint8Array(images * PIXEL_BYTES);
    const { predictor } = this.#model;
    const { probabilities, seconds } = await runJob(() => predictor.classify(pixels, 0), undefined, STOPPED);
    this.#workload.learn(images, 0, 1000 * seconds);
    return probabilities;
  }

  /** How many images one caller may have at work without keeping others out: a batch that runs, and the next. @internal */
  get window(): number {
    return this.#window;
  }

  /** Takes no more calls, and resolves when those before have been answered and the model is given back. */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  /** Closes at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #drain(): Promise<void> {
    await this.#places.acquire(this.maxQueue);
    this.#model.predictor.close();
  }

  async #run(image: ImageInput | FoundImage, { tta = 0, signal }: ClassifyOptions): Promise<Float32Array> {
    throwIfAborted(signal, STOPPED);
    return this.#batcher.run(await decodeImage(image), tta, signal);
  }

  /** What holds one place, that of an image which was added to the workload. */
  async #counted<Result>(tta: number, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      this.#workload.remove(1, tta);
    }
  }

  #assertUsable(options: ClassifyOptions): void {
    this.#assertOpen();
    assertValidInference(options);
  }

  #assertOpen(): void {
    if (this.#closed === undefined) return;
    throw new Cifar10Error('CLASSIFIER_CLOSED', {
      what: 'the classifier was closed',
      nextStep: 'load another one, or close it later',
    });
  }

  #assertRoom(wanted: number): void {
    const free = this.#places.getValue();
    if (free < wanted)
      throw queueFull(`room for ${wanted} more`, `${this.maxQueue - free} of ${this.maxQueue} taken`);
    const waitMs = this.expectedWaitMs;
    if (wanted > 0 && waitMs > this.maxWaitMs)
      throw queueFull(`a wait of at most ${this.maxWaitMs} ms`, `one of about ${Math.ceil(waitMs)} ms`);
  }
}

const queueFull = (expected: string, found: string) =>
  new Cifar10Error('QUEUE_FULL', {
    what: 'too many images wait to be classified',
    expected,
    found,
    nextStep: 'try again a little later',
  });

const STOPPED = 'the classification was stopped';

function isList(images: ImageInput | readonly ImageInput[]): images is readonly ImageInput[] {
  return Array.isArray(images);
}

/** The images as they are when they come: the next one may be in the same memory. */
async function* kept(images: Iterable<ImageInput> | AsyncIterable<ImageInput>): AsyncGenerator<ImageInput> {
  for await (const image of images) yield snapshot(image);
}
