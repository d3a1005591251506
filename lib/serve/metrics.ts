// Owns the figures that Prometheus collects. Must not know how requests are answered.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchInfo, ClassifierInfo } from '../classifier/index.js';

const PREFIX = 'cifar10_torch_';
const SECONDS = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 4, 8];
const POWERS_OF_TWO = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** What is asked for when the figures are collected. */
interface Gauges {
  pendingImages(): number;
  expectedWaitMs(): number;
  bodyBytes(): number;
  isReady(): boolean;
}

let ofProcess: Registry | undefined;

/** The figures of Node.js, which observes its garbage collection for them: once, however many servers there are. */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'method' | 'route' | 'status'>;
  readonly #seconds: Histogram<'route' | 'status'>;
  readonly #images: Counter;
  readonly #batchImages: Histogram;
  readonly #batchSeconds: Histogram;
  readonly #waitSeconds: Histogram;
  readonly #rejected: Counter<'reason'>;
  readonly #reloads: Counter<'outcome'>;
  readonly #model: Gauge<'version' | 'net' | 'device' | 'dtype'>;

  constructor(gauges: Gauges) {
    const registers = [this.#registry];
    const name = (text: string) => PREFIX + text;
    this.#requests = new Counter({
      name: name('requests_total'),
      help: 'HTTP requests answered',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: name('request_duration_seconds'),
      help: 'From the head of a request to the end of its answer',
      labelNames: ['route', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.#images = new Counter({ name: name('images_total'), help: 'Images classified', registers });
    this.#batchImages = new Histogram({
      name: name('batch_images'),
      help: 'Images that ran together',
      buckets: POWERS_OF_TWO,
      registers,
    });
    this.#batchSeconds = new Histogram({
      name: name('batch_duration_seconds'),
      help: 'Of the forward pass of a batch',
      buckets: SECONDS,
      registers,
    });
    this.#waitSeconds = new Histogram({
      name: name('queue_wait_seconds'),
      help: 'How long the first image of a batch waited for the model',
      buckets: SECONDS,
      registers,
    });
    this.#rejected = new Counter({
      name: name('rejected_total'),
      help: 'Requests without a result, by the code of their error',
      labelNames: ['reason'],
      registers,
    });
    this.#reloads = new Counter({
      name: name('reloads_total'),
      help: 'Checkpoints that came in the place of the loaded one',
      labelNames: ['outcome'],
      registers,
    });
    this.#model = new Gauge({
      name: name('model_info'),
      help: 'The loaded model; always 1',
      labelNames: ['version', 'net', 'device', 'dtype'],
      registers,
    });
    gauge(
      name('queue_depth'),
      'Images that are decoded, waiting or running',
      gauges.pendingImages,
      registers,
    );
    gauge(
      name('expected_wait_seconds'),
      'For how long the images at work will keep the model busy, as the last batches went',
      () => gauges.expectedWaitMs() / 1000,
      registers,
    );
    gauge(name('body_bytes'), 'Bytes of the bodies of requests under way', gauges.bodyBytes, registers);
    gauge(name('ready'), '1 where a request would be answered', () => Number(gauges.isReady()), registers);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return Registry.merge([this.#registry, processRegistry()]).metrics();
  }

  countRequest(method: string, route: string, status: number, durationMs: number): void {
    this.#requests.inc({ method, route, status });
    this.#seconds.observe({ route, status }, durationMs / 1000);
  }

  countBatch({ images, durationMs, waitedMs }: BatchInfo): void {
    this.#images.inc(images);
    this.#batchImages.observe(images);
    this.#batchSeconds.observe(durationMs / 1000);
    this.#waitSeconds.observe(waitedMs / 1000);
  }

  countRejection(reason: string): void {
    this.#rejected.inc({ reason });
  }

  countReload(outcome: 'loaded' | 'unchanged' | 'failed'): void {
    this.#reloads.inc({ outcome });
  }

  showModel({ version, net, device, dtype }: ClassifierInfo): void {
    this.#model.reset();
    this.#model.set({ version, net, device, dtype }, 1);
  }
}

function gauge(name: string, help: string, read: () => number, registers: Registry[]): void {
  new Gauge({
    name,
    help,
    registers,
    collect() {
      this.set(read());
    },
  });
}
