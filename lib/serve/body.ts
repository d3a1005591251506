// Owns reading bodies: bytes are counted as they arrive, of one request and of all together, whatever a header announces.
import type { Readable } from 'node:stream';
import { systemCode } from '../errors.js';
import { invalidRequest, queueFull, tooLarge } from './refusal.js';

/** The bytes of all bodies that are held. */
export class BodyBudget {
  readonly maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Throws a `Refusal` where there is no room. */
  take(bytes: number): void {
    if (this.#heldBytes + bytes > this.maxBytes) throw queueFull('the memory for bodies in use');
    this.#heldBytes += bytes;
  }

  give(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}

/** What one request has taken of the budget, to be given back when it ends. */
export class BodyShare {
  readonly #budget: BodyBudget;
  #bytes = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** Throws a `Refusal` where there is no room, now or ever. */
  take(bytes: number): void {
    const { maxBytes } = this.#budget;
    if (this.#bytes + bytes > maxBytes) throw tooLarge('the request', maxBytes);
    this.#budget.take(bytes);
    this.#bytes += bytes;
  }

  release(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }
}

/** A source of bytes, and what is done with it when no more of them are wanted. */
export interface Body {
  readonly stream: Readable;
  /** What an error calls it. */
  readonly what: string;
  /** Lets the rest come and go, so that the client reads the answer instead of a broken connection. */
  readonly giveUp: () => void;
}

/** A body as it comes, or a part of it. */
export const plainBody = (stream: Readable, what: string): Body => ({
  stream,
  what,
  giveUp: () => void stream.resume(),
});

/** Reads a body to its end; what is too much is refused when it comes. Errors: `Refusal`; the signal's reason. */
export function readBody(
  { stream, what, giveUp }: Body,
  maxBytes: number,
  share: BodyShare,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const held = new HeldBytes(what, maxBytes, share);
    let failure: unknown;
    const fail = (error: unknown) => {
      end();
      giveUp();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      try {
        held.add(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = () => {
      end();
      resolve(held.bytes);
    };
    const onClose = () => fail(signal.aborted ? signal.reason : cutOff(what, failure));
    const onAbort = () => fail(signal.reason);
    const end = () => {
      stream.off('data', onData).off('end', onEnd).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    stream.on('error', (error) => (failure = error)); // it closes after that
    if (signal.aborted) return fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('data', onData).once('end', onEnd).once('close', onClose);
  });
}

/** Bytes in one place: a body that comes in millions of pieces takes no more memory than another. */
class HeldBytes {
  readonly #what: string;
  readonly #maxBytes: number;
  readonly #share: BodyShare;
  #room = Buffer.alloc(0);
  #length = 0;

  constructor(what: string, maxBytes: number, share: BodyShare) {
    this.#what = what;
    this.#maxBytes = maxBytes;
    this.#share = share;
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  /** Throws a `Refusal`. */
  add(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#maxBytes) throw tooLarge(this.#what, this.#maxBytes);
    if (length > this.#room.length) this.#grow(length);
    chunk.copy(this.#room, this.#length);
    this.#length = length;
  }

  #grow(wantedBytes: number): void {
    const bytes = Math.min(this.#maxBytes, Math.max(wantedBytes, 2 * this.#room.length));
    this.#share.take(bytes - this.#room.length);
    const room = Buffer.allocUnsafeSlow(bytes);
    this.bytes.copy(room);
    this.#room = room;
  }
}

function cutOff(what: string, error: unknown) {
  return invalidRequest(
    `${what} cannot be read to its end`,
    'all of its bytes',
    systemCode(error) ?? 'fewer',
  );
}
