// Owns what a caller's abort signal means to work here.
import { setMaxListeners } from 'node:events';
import { AbortError } from './errors.js';

/** Throws an `AbortError` if the signal was aborted; `what` is the sentence of the error. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortError(what, signal.reason);
}

/** A signal that aborts with `signal` and takes any number of listeners; Node.js warns of a leak from the eleventh on. */
export function forManyListeners(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const own = AbortSignal.any([signal]);
  setMaxListeners(0, own);
  return own;
}

/** What `work` comes to, unless the signal is aborted first: then its reason. */
export async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
