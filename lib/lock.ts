// Owns mutual exclusion between processes: one holder of a lock path at a time on this machine.
// Must not know what the lock guards.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortError, Cifar10Error, systemCode, writeError } from './errors.js';

const POLL_MS = 250;
const STALE_MS = 10_000; // a holder that has not refreshed its lock for this long has crashed

export interface LockOptions {
  signal?: AbortSignal | undefined;
  /** Called once, when another process holds the lock. */
  onWait?: (() => void) | undefined;
}

/**
 * Runs `work` while no other process holds the lock `<path>.lock`; waits for a live holder, takes over from a crashed one.
 * Creates the folder of `path` if missing. The signal given to `work` fires on abort and when the lock was lost.
 * Errors: `ABORTED`, `LOCKED` (the lock was taken away while `work` ran), `NOT_WRITABLE`, `DISK_FULL`, those of `work`.
 */
export async function withLock<T>(
  path: string,
  work: (signal: AbortSignal) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const lost = new AbortController();
  const release = await acquire(path, options, () => lost.abort());
  const signals = options.signal === undefined ? [lost.signal] : [lost.signal, options.signal];
  try {
    return await work(AbortSignal.any(signals));
  } catch (error) {
    throw lost.signal.aborted ? lockLost(path, error) : error;
  } finally {
    // A lost lock belongs to someone else by now: there is nothing to release.
    if (!lost.signal.aborted) await release();
  }
}

/** For work that is not worth waiting for: nothing is done while another process holds the lock. */
export async function unlessLocked(path: string, work: () => Promise<void>): Promise<void> {
  const held = new AbortController();
  try {
    await withLock(path, work, { signal: held.signal, onWait: () => held.abort() });
  } catch (error) {
    if (!held.signal.aborted) throw error;
  }
}

async function acquire(
  path: string,
  { signal, onWait }: LockOptions,
  onCompromised: () => void,
): Promise<() => Promise<void>> {
  // Loaded when needed: its clean-up at exit listens to every fatal signal of the process, also to those that Node.js
  // ignores on purpose (SIGXFSZ).
  const { default: lockfile } = await import('proper-lockfile');
  let mustAnnounce = true;
  for (;;) {
    if (signal?.aborted) throw new AbortError(`waiting for the lock "${path}" stopped`, signal.reason);
    try {
      await mkdir(dirname(path), { recursive: true });
      return await lockfile.lock(path, { realpath: false, stale: STALE_MS, onCompromised });
    } catch (error) {
      if (systemCode(error) !== 'ELOCKED') throw writeError(`${path}.lock`, error);
    }
    if (mustAnnounce) onWait?.();
    mustAnnounce = false;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

function lockLost(path: string, cause: unknown): Cifar10Error {
  return new Cifar10Error('LOCKED', {
    what: `the lock "${path}.lock" was lost during the work`,
    expected: `that it is refreshed every ${STALE_MS / 2000} seconds`,
    found: 'that another process took it over or removed it',
    nextStep: 'run the command again',
    cause,
  });
}
