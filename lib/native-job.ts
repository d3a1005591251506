// Owns awaiting a native job: its abort signal, and its errors as this package's own.
import { throwIfAborted } from './abort-signal.js';
import { Cifar10Error, type ErrorCode, errorMessage, systemCode } from './errors.js';
import type { NativeJob } from './native-addon.js';

/** The error of native code as a `Cifar10Error` of the same code. `what`: in place of its message. */
export function fromNative(error: unknown, what = errorMessage(error)): Cifar10Error {
  if (error instanceof Cifar10Error) return error;
  const code = (systemCode(error) ?? 'NATIVE_FAILURE') as ErrorCode;
  const { nextStep } = error as { nextStep?: string };
  return new Cifar10Error(code, { what, nextStep, cause: error });
}

/** The result of a native call that is no job; its errors are this package's own. */
export function callNative<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
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
    if (systemCode(error) === 'ABORTED') throwIfAborted(signal, abortedText);
    throw fromNative(error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** A caller's function that native code calls: what it throws stops the job and rejects it, as if it were awaited. */
export class Listener<Event> {
  readonly #listener: ((event: Event) => void) | undefined;
  readonly #failed = new AbortController();
  /** Aborted by the caller's signal and by a failure of the listener. */
  readonly signal: AbortSignal;

  constructor(listener: ((event: Event) => void) | undefined, signal: AbortSignal | undefined) {
    this.#listener = listener;
    this.signal = AbortSignal.any(signal ? [signal, this.#failed.signal] : [this.#failed.signal]);
  }

  call(event: Event): void {
    try {
      if (!this.#failed.signal.aborted) this.#listener?.(event);
    } catch (error) {
      this.#failed.abort(error);
    }
  }

  /** Stops the job, which then fails with this error. */
  fail(error: unknown): void {
    this.#failed.abort(error);
  }

  /** The job's outcome, unless the listener threw: then that. */
  async settle<Result>(job: Promise<Result>): Promise<Result> {
    try {
      return await job;
    } finally {
      this.#failed.signal.throwIfAborted();
    }
  }
}
