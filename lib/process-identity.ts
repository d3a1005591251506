// Owns telling a process that wrote something from one that has been given its number since.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from './errors.js';

export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** When it began, in a form of its system; null where that does not tell. */
  readonly started: string | null;
}

export function thisProcess(): ProcessIdentity {
  return { host: hostname(), pid: process.pid, started: readProcess(process.pid)?.started ?? null };
}

/** Undefined for a process of another machine, or of a container with another name. */
export function isAlive({ host, pid, started }: ProcessIdentity): boolean | undefined {
  if (host !== hostname()) return undefined;
  if (!exists(pid)) return false;
  const found = readProcess(pid);
  if (found === undefined) return true;
  return !found.hasEnded && (started === null || found.started === started);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** By Linux's /proc: ticks from the system's start to the process's, and the name of that start. */
function readProcess(pid: number): { started: string; hasEnded: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third field on
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    // A zombie has ended, though nobody has asked how.
    return { started: `${boot}/${fields[18]}`, hasEnded: state === 'Z' || state === 'X' };
  } catch {
    return undefined;
  }
}
