// Owns the progress of work that is counted, in bytes or in images: how much of it, how fast, how long yet.
// Must not draw.
import { clock, count } from './format.js';
import type { Progress } from './progress.js';
import { Rate } from './rate.js';

/** How an amount is written. */
interface Unit {
  symbol: string;
  /** Of the counted thing in one of the unit. */
  size: number;
  digits: number;
}

export const MEGABYTES: Unit = { symbol: 'MB', size: 1e6, digits: 1 };
export const IMAGES: Unit = { symbol: 'images', size: 1, digits: 0 };

/** Feeds a display; another task, or less done than before, starts the measurement again. */
export class AmountProgress {
  readonly #progress: Progress;
  readonly #unit: Unit;
  #task: string | undefined;
  #done = 0;
  #seenMs = 0;
  #rate = new Rate();

  constructor(progress: Progress, unit: Unit) {
    this.#progress = progress;
    this.#unit = unit;
  }

  show(task: string, done: number, total: number | undefined): void {
    this.#measure(task, done);
    const { symbol } = this.#unit;
    const { perSecond } = this.#rate;
    const amount = total === undefined ? this.#format(done) : `${this.#format(done)}/${this.#format(total)}`;
    const speed = perSecond > 0 ? [`${this.#format(perSecond)} ${symbol}/s`] : [];
    const left = perSecond > 0 && total !== undefined ? [`${clock((total - done) / perSecond)} left`] : [];
    this.#progress.show({
      task,
      fraction: total === undefined ? undefined : Math.min(1, done / Math.max(1, total)),
      details: [task, `${amount} ${symbol}`, ...speed, ...left],
    });
  }

  #measure(task: string, done: number): void {
    const nowMs = performance.now();
    if (task === this.#task && done >= this.#done) {
      this.#rate.add(done - this.#done, (nowMs - this.#seenMs) / 1000);
    } else {
      this.#rate = new Rate();
    }
    this.#task = task;
    this.#done = done;
    this.#seenMs = nowMs;
  }

  #format(amount: number): string {
    return count(amount / this.#unit.size, this.#unit.digits);
  }
}
