// Owns awaiting a native job: its abort signal, and its errors as this package's own.
import { AbortError, Cifar10Error, type ErrorCode, errorMessage, systemCode } from './errors.js';
import type { NativeJob } from './native-addon.js';

/** The error of native code as a `Cifar10Error` of the same code. */
export function fromNative(error: unknown): unknown {
  if (error instanceof Cifar10Error) return error;
  const code = (systemCode(error) ?? 'NATIVE_FAILURE') as ErrorCode;
  return new Cifar10Error(code, { what: errorMessage(error), cause: error });
}

/** Throws an `AbortError` if the signal was aborted; `what` is the sentence of the error. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortError(what, signal.reason);
}

/**
 * Starts the job and resolves to its result; an abort of the signal stops it.
 * Errors: those of the job, `ABORTED`.
 */
export async function runJob<Result>(
  start: () => NativeJob<Result>,
  signal: AbortSignal | undefined,
  abortedText: string,
): Promise<Result> {
  throwIfAborted(signal, abortedText);
  let job: NativeJob<Result> | undefined;
  const stop = () => job?.stop();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    job = start();
    return await job.result;
  } catch (error) {
    throwIfAborted(signal, abortedText);
    throw fromNative(error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
