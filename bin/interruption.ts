// Owns SIGINT, SIGTERM and SIGHUP: the first stops the work in good order, the second ends the process at once;
// and the one signal that must not end it. Must not know the work.
import { constants } from 'node:os';

/** The last one comes from a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals that stop the work in good order. */
export type StopSignals = readonly (typeof SIGNALS)[number][];

/** The reason of an abort by the user; becomes the `cause` of the `AbortError`. */
export class Interruption extends Error {
  override name = 'Interruption';
  /** What shells expect of a process that a signal ended. */
  readonly exitCode: number;

  constructor(signalName: (typeof SIGNALS)[number]) {
    super(`stopped by ${signalName}`);
    this.exitCode = 128 + constants.signals[signalName];
  }
}

/**
 * Runs the work with a signal that these abort, the reason being an `Interruption`; a second one calls
 * `onSecond`, which ends the process.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<void>,
  onFirst: () => void,
  onSecond: (exitCode: number) => void,
  signals: StopSignals = SIGNALS,
): Promise<void> {
  const controller = new AbortController();
  const interrupt = (signalName: (typeof SIGNALS)[number]) => {
    const reason = new Interruption(signalName);
    if (controller.signal.aborted) return onSecond(reason.exitCode);
    onFirst();
    controller.abort(reason);
  };
  for (const name of signals) process.on(name, interrupt);
  try {
    await work(controller.signal);
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/**
 * Leaves a write beyond the limit on file sizes (`ulimit -f`) an error of that write, as it is in Node.js.
 * A dependency's cleanup at exit listens to every fatal signal and ends the process unless someone else does.
 */
export function ignoreFileSizeSignal(): void {
  process.on('SIGXFSZ', () => {});
}
