// Owns following a caller's abort signal in many places at once.
import { setMaxListeners } from 'node:events';

/** A signal that aborts with `signal` and takes any number of listeners; Node.js warns of a leak from the eleventh on. */
export function forManyListeners(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const own = AbortSignal.any([signal]);
  setMaxListeners(0, own);
  return own;
}
