// Owns a program that works for minutes: its lines while it runs, its end, and that nothing of it goes on without us.
// Must not know what the program does. child.ts has those that answer within seconds.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const TERM_GRACE_MS = 3000;
const OUTPUT_GRACE_MS = 1000;

export interface GroupOptions {
  env: NodeJS.ProcessEnv;
  /** Ends the program and what it has started. */
  signal: AbortSignal;
  onStdout: (line: string) => void;
  onStderr: (line: string) => void;
}

/**
 * Resolves with the exit code when the program is gone, `null` if it was killed; an abort takes a few seconds at most.
 * Its standard input ends when we do, even if we are killed. Errors: of a program that cannot be started.
 */
export async function runGroup(
  program: string,
  args: readonly string[],
  { env, signal, onStdout, onStderr }: GroupOptions,
): Promise<number | null> {
  // In a group of its own, as it may be a script that has started the program: a signal to the script would not reach it.
  const child: ChildProcess = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env, detached: true });
  const kill = () => signalGroup(child, 'SIGKILL');
  process.once('exit', kill);
  try {
    const end = endOf(child, signal);
    child.stdin?.on('error', () => undefined);
    // Without streams where there are too many open files, which is an error that comes later.
    if (child.stdout) createInterface(child.stdout).on('line', onStdout);
    if (child.stderr) createInterface(child.stderr).on('line', onStderr);
    return await end;
  } finally {
    process.off('exit', kill);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
  }
}

async function endOf(child: ChildProcess, signal: AbortSignal): Promise<number | null> {
  let timer: NodeJS.Timeout | undefined;
  const after = (ms: number, work: () => void) => {
    clearTimeout(timer);
    timer = setTimeout(work, ms);
  };
  let stop = () => {};
  try {
    return await new Promise((resolve, reject) => {
      /** What is left of the group may hold the outputs open, so that they never end. */
      const giveUp = (exitCode: number | null) => {
        signalGroup(child, 'SIGKILL');
        after(OUTPUT_GRACE_MS, () => resolve(exitCode));
      };
      child.once('error', reject);
      child.once('close', resolve);
      child.once('exit', (exitCode) => after(OUTPUT_GRACE_MS, () => giveUp(exitCode)));
      stop = () => {
        signalGroup(child, 'SIGTERM');
        after(TERM_GRACE_MS, () => giveUp(null));
      };
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/** One that could not be started has no process id, and the group 0 is our own. */
function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // All of the group is gone.
  }
}
