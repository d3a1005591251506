// Owns the life of a server: listening, loading, taking a new checkpoint, and an end at which no request is dropped.
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { throwIfAborted } from '../abort-signal.js';
import { Cifar10Error, errorMessage, systemCode } from '../errors.js';
import { createApp } from './app.js';
import { BodyBudget } from './body.js';
import type { ServeContext } from './context.js';
import { makeDoor } from './door.js';
import { watchForChange } from './file-watch.js';
import { Metrics } from './metrics.js';
import { type ServeOptions, type ServeSettings, settleOptions } from './options.js';
import { ServedModel } from './served-model.js';

/**
 * A server that is ready.
 *
 * @category Serving
 */
export interface ClassifierServer {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Reads the checkpoint again and goes on with it, once it is valid and warm; requests under way are answered by the
   * old model. False: it is the same one. The old one stays where this rejects. Errors: those of `Classifier.load`, `CLASSIFIER_CLOSED` after `close`.
   */
  reload(): Promise<boolean>;
  /**
   * Says that it is not ready, answers what comes for another `drainDelayMs`, takes no more, and resolves when all that
   * came has been answered.
   */
  close(): Promise<void>;
}

/**
 * Starts an HTTP server that classifies images: its own API, the Open Inference Protocol v2, figures for Prometheus, the
 * API's description and a page to try it. Listens at once, and resolves when the model is loaded and warm; until then
 * `/v2/health/ready` says 503.
 * Errors: `INVALID_ARGUMENT`, `LISTEN_FAILED`, those of `Classifier.load`, `ABORTED`.
 *
 * @category Serving
 */
export async function serve(options: ServeOptions): Promise<ClassifierServer> {
  const server = new Server(settleOptions(options));
  await server.start();
  return server;
}

class Server implements ClassifierServer {
  readonly #settings: ServeSettings;
  readonly #model: ServedModel;
  readonly #metrics: Metrics;
  readonly #budget: BodyBudget;
  #app: FastifyInstance | undefined;
  #url = '';
  #endWatch = () => {};
  #closed: Promise<void> | undefined;
  /** The last look at a change of the file. */
  #following: Promise<void> = Promise.resolve();
  /** Whether a look is yet to begin. */
  #isFollowing = false;
  readonly #onAbort = () => void this.close();

  constructor(settings: ServeSettings) {
    this.#settings = settings;
    this.#budget = new BodyBudget(settings.maxBodyBytes);
    this.#model = new ServedModel(settings.checkpoint, {
      ...settings,
      onBatch: (batch) => this.#metrics.countBatch(batch),
    });
    this.#metrics = new Metrics({
      pendingImages: () => this.#model.pending,
      expectedWaitMs: () => this.#model.expectedWaitMs,
      bodyBytes: () => this.#budget.heldBytes,
      isReady: () => this.#isReady(),
    });
  }

  get url(): string {
    return this.#url;
  }

  async start(): Promise<void> {
    const { signal, watch, checkpoint } = this.#settings;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    try {
      this.#throwIfStopped();
      this.#app = await createApp(this.#context());
      this.#throwIfStopped();
      this.#url = await this.#listen(this.#app);
      this.#throwIfStopped();
      // Before loading, so that no change is missed.
      if (watch) this.#endWatch = watchForChange(checkpoint, () => this.#follow());
      await this.#model.load();
      this.#throwIfStopped();
      this.#showModel('ready');
    } catch (error) {
      await this.close();
      await this.#app?.close(); // one that was made after the stop
      this.#throwIfStopped();
      throw error;
    }
  }

  async reload(): Promise<boolean> {
    if (this.#closed) throw new Cifar10Error('CLASSIFIER_CLOSED', { what: 'the server was closed' });
    try {
      const isNew = await this.#model.load();
      this.#metrics.countReload(isNew ? 'loaded' : 'unchanged');
      if (isNew) this.#showModel('reloaded');
      return isNew;
    } catch (error) {
      this.#metrics.countReload('failed');
      this.#app?.log.warn({ err: error }, 'the checkpoint cannot be used; the model before it stays');
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  #throwIfStopped(): void {
    throwIfAborted(this.#settings.signal, 'the server was stopped');
  }

  async #drain(): Promise<void> {
    this.#endWatch();
    const { drainDelayMs, signal } = this.#settings;
    signal?.removeEventListener('abort', this.#onAbort);
    if (this.#model.isLoaded) {
      this.#app?.log.info('draining');
      await sleep(drainDelayMs);
    }
    await this.#app?.close();
    await this.#model.close();
  }

  #isReady(): boolean {
    return this.#model.isLoaded && this.#closed === undefined;
  }

  #context(): ServeContext {
    const shared = { settings: this.#settings, model: this.#model, budget: this.#budget };
    return {
      ...shared,
      metrics: this.#metrics,
      door: makeDoor(shared),
      isReady: () => this.#isReady(),
      isDraining: () => this.#closed !== undefined,
    };
  }

  async #listen(app: FastifyInstance): Promise<string> {
    const { host, port } = this.#settings;
    try {
      await app.listen({ host, port, listenTextResolver: () => 'listening' });
    } catch (error) {
      throw new Cifar10Error('LISTEN_FAILED', {
        what: `the server cannot listen at ${host}, port ${port}`,
        found: systemCode(error) ?? errorMessage(error),
        nextStep: 'choose another port or address, or stop what listens there',
        cause: error,
      });
    }
    const { address, family, port: chosen } = app.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${chosen}`;
  }

  /** A change of the file, or several while the last one is looked at: what it comes to is in the log. */
  #follow(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const follow = async () => {
      this.#isFollowing = false; // what changes from now on is looked at again
      await this.reload();
    };
    this.#following = this.#following.then(follow).catch(() => {});
  }

  #showModel(message: string): void {
    const { info } = this.#model.classifier;
    this.#metrics.showModel(info);
    this.#app?.log.info({ url: this.#url, ...info }, message);
  }
}
