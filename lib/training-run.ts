// Owns the two faces of a running training: await it for the result, iterate it for the events.
// Must not know what is trained.

/**
 * A run in progress. `await run` gives the result; `for await (const event of run)` gives the events from the first
 * on, whenever the iteration begins, ends with the run and throws if the run fails. Leaving the loop does not stop
 * the run: its signal does.
 *
 * @category Training
 */
export class TrainingRun<Result, Event> implements PromiseLike<Result>, AsyncIterable<Event> {
  readonly #events: Event[] = [];
  readonly #result: Promise<Result>;
  #isSettled = false;
  #wake: () => void = () => {};
  #changed = this.#nextChange();

  /** @internal */
  constructor(execute: (emit: (event: Event) => void) => Promise<Result>) {
    this.#result = execute((event) => {
      this.#events.push(event);
      this.#signalChange();
    }).finally(() => {
      this.#isSettled = true;
      this.#signalChange();
    });
    // Whoever only iterates learns of a failure there; nobody need await the promise as well.
    this.#result.catch(() => {});
  }

  /** What `await` calls: as of a promise of the result. */
  // biome-ignore lint/suspicious/noThenProperty: being awaitable is the purpose of this class
  then<Fulfilled = Result, Rejected = never>(
    onFulfilled?: ((result: Result) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#result.then(onFulfilled, onRejected);
  }

  /** As of a promise of the result. */
  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Result | Rejected> {
    return this.#result.catch(onRejected);
  }

  /** As of a promise of the result. */
  finally(onFinally?: (() => void) | null): Promise<Result> {
    return this.#result.finally(onFinally);
  }

  /** What `for await` calls. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    for (let next = 0; ; ) {
      const changed = this.#changed;
      while (next < this.#events.length) yield this.#events[next++] as Event;
      if (next < this.#events.length) continue;
      if (this.#isSettled) break;
      await changed;
    }
    await this.#result;
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #signalChange(): void {
    const wake = this.#wake;
    this.#changed = this.#nextChange();
    wake();
  }
}
