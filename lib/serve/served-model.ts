// Owns the model that a server answers with, and putting another one in its place: that is read and warmed first, and the old one
// stays where anything is wrong with it. Must not know HTTP.
import { Mutex } from 'async-mutex';
import { Classifier, type ClassifierOptions } from '../classifier/index.js';
import { Cifar10Error } from '../errors.js';
import { decodeImage } from '../images/index.js';
import { notReady } from './refusal.js';

/** One pixel: the decoder is loaded when the first image comes. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
);
/** What the first batches of these sizes would otherwise wait for: kernels made for them, weights packed. */
const WARM_SIZES = [1, 2, 8, 32, 64];

export class ServedModel {
  readonly #checkpoint: string;
  readonly #options: ClassifierOptions;
  readonly #loading = new Mutex();
  #current: Classifier | undefined;
  #isClosed = false;
  /** Those that still answer what they had been given. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(checkpoint: string, options: ClassifierOptions) {
    this.#checkpoint = checkpoint;
    this.#options = options;
  }

  get isLoaded(): boolean {
    return this.#current !== undefined;
  }

  get pending(): number {
    return this.#current?.pending ?? 0;
  }

  get expectedWaitMs(): number {
    return this.#current?.expectedWaitMs ?? 0;
  }

  /** To be used at once: another may be in its place after the next `await`. Throws a `Refusal` where there is none. */
  get classifier(): Classifier {
    if (this.#current === undefined) throw notReady('a server that is still loading');
    return this.#current;
  }

  /**
   * Reads the file and puts its model in the place of the one there is. False: it is the same one.
   * Errors: those of `Classifier.load`, `CHECKPOINT_INVALID` for a net that answers with no numbers, `CLASSIFIER_CLOSED`.
   */
  load(): Promise<boolean> {
    return this.#loading.runExclusive(async () => {
      if (this.#isClosed) throw closed();
      const next = await Classifier.load(this.#checkpoint, this.#options);
      const old = this.#current;
      try {
        if (next.info.version === old?.info.version) {
          await next.close();
          return false;
        }
        await warm(next, this.#checkpoint);
      } catch (error) {
        await next.close();
        throw error;
      }
      this.#current = next;
      if (old) this.#dismiss(old);
      return true;
    });
  }

  /** After all that it and its predecessors were given has been answered. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#loading.runExclusive(async () => {
      if (this.#current) this.#dismiss(this.#current);
      await Promise.all(this.#leaving);
    });
  }

  #dismiss(classifier: Classifier): void {
    const closed = classifier.close();
    this.#leaving.add(closed);
    void closed.finally(() => this.#leaving.delete(closed));
  }
}

function closed(): Cifar10Error {
  return new Cifar10Error('CLASSIFIER_CLOSED', {
    what: 'the server was closed',
    nextStep: 'start another one, or close it later',
  });
}

async function warm(classifier: Classifier, checkpoint: string): Promise<void> {
  await decodeImage(PNG);
  for (const size of WARM_SIZES) {
    const probabilities = await classifier.probe(size);
    if (probabilities.every(Number.isFinite)) continue;
    throw new Cifar10Error('CHECKPOINT_INVALID', {
      what: `checkpoint "${checkpoint}" holds a net that answers with no numbers`,
      expected: 'finite probabilities',
      found: String(probabilities.find((each) => !Number.isFinite(each))),
      nextStep: 'give a checkpoint of a training that went well',
    });
  }
}
