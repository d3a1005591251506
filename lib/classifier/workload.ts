// Owns how long the images at work will keep the model busy, as the last batches went. Must not know who waits.

/** Forward passes of an image, by level of test-time augmentation. */
const VIEWS = [1, 2, 6] as const;
/** Of the batches before, with each new one: about the last five count. */
const KEPT = 0.8;

export class Workload {
  #views = 0;
  /** Of the last batches, the older the less. */
  #lately = { views: 0, durationMs: 0 };

  /** For so many images, `tta`: of each. */
  add(images: number, tta: number): void {
    this.#views += images * viewsOf(tta);
  }

  /** Images that are no longer at work: answered, failed or given up. */
  remove(images: number, tta: number): void {
    this.#views -= images * viewsOf(tta);
  }

  /** What a batch took. */
  learn(images: number, tta: number, durationMs: number): void {
    this.#lately = {
      views: KEPT * this.#lately.views + images * viewsOf(tta),
      durationMs: KEPT * this.#lately.durationMs + durationMs,
    };
  }

  /** Of all that is at work; 0 before the first batch. */
  get expectedMs(): number {
    const { views, durationMs } = this.#lately;
    return views === 0 ? 0 : (this.#views * durationMs) / views;
  }
}

const viewsOf = (tta: number) => VIEWS[tta] as number;
