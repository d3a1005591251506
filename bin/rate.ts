// Owns the speed of work that varies, as one number that follows it. Pure.

const TIME_CONSTANT_SECONDS = 10;

/** Amount per second, averaged with weights that fall exponentially with age. */
export class Rate {
  #amount = 0;
  #seconds = 0;

  /** Adds what was done in the last seconds. */
  add(amount: number, seconds: number): void {
    const decay = Math.exp(-seconds / TIME_CONSTANT_SECONDS);
    this.#amount = this.#amount * decay + amount;
    this.#seconds = this.#seconds * decay + seconds;
  }

  /** 0 before anything was added. */
  get perSecond(): number {
    return this.#seconds > 0 ? this.#amount / this.#seconds : 0;
  }
}
