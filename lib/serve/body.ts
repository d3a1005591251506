// Owns reading bodies: bytes are counted as they arrive, of one request and of all together, whatever a header announces.
import type { Readable } from 'node:stream';
import { clientGone, queueFull, tooLarge } from './refusal.js';

/** The bytes of all bodies that are held. */
export class BodyBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Throws a `Refusal` where there is no room. */
  take(bytes: number): void {
    if (this.#heldBytes + bytes > this.#maxBytes) throw queueFull('the memory for bodies in use');
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

  take(bytes: number): void {
    this.#budget.take(bytes);
    this.#bytes += bytes;
  }

  release(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }
}

/**
 * Reads a stream to its end. What is too much is refused when it comes, and what comes after it is thrown away, so that the client
 * reads the answer instead of a broken connection. Errors: `Refusal`; the signal's reason.
 */
export function readBody(
  stream: Readable,
  what: string,
  maxBytes: number,
  share: BodyShare,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (error: unknown) => {
      end();
      stream.resume();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) return fail(tooLarge(what, maxBytes));
      try {
        share.take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const onEnd = () => {
      end();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes));
    };
    const onClose = () => fail(clientGone());
    const onAbort = () => fail(signal.reason);
    const end = () => {
      stream.off('data', onData).off('end', onEnd).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    stream.on('error', () => {}); // it closes after that
    if (signal.aborted) return fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.on('data', onData).once('end', onEnd).once('close', onClose);
  });
}
