// Owns the check of how many threads training computes with, against the cores that this process may use.
// Must not start a thread: the trial of the addon reports what training did.
import { cpus } from 'node:os';
import { usableCores } from '../cores.js';
import type { Finding, Problem } from './check.js';
import { counted } from './units.js';

export interface ThreadFacts {
  /** What a training with default settings used; `undefined` where none could be tried. */
  trainingThreads: number | undefined;
  /** Of the machine, hardware threads. */
  processors: number;
  /** Physical ones that affinity and control groups leave to this process. */
  usableCores: number;
  ompNumThreads: string | undefined;
  ompThreadLimit: string | undefined;
}

export function checkThreads(trainingThreads: number | undefined): Finding {
  return judgeThreads({
    trainingThreads,
    processors: cpus().length,
    usableCores: usableCores(),
    ompNumThreads: process.env.OMP_NUM_THREADS,
    ompThreadLimit: process.env.OMP_THREAD_LIMIT,
  });
}

export function judgeThreads(facts: ThreadFacts): Finding {
  const { processors, usableCores, trainingThreads, ompNumThreads } = facts;
  const problem = findProblem(facts);
  if (problem) return { ...problem, details: { ...facts } };
  const cores = counted(usableCores, 'core');
  const usable = usableCores < processors ? `${cores} that it may use, of ${processors} processors` : cores;
  const threads = counted(trainingThreads ?? usableCores, 'thread');
  // OpenMP's own variable is easily taken for the one that counts.
  const effect = trainingThreads === undefined ? 'is set' : 'does not limit training';
  const note = ompNumThreads ? `; OMP_NUM_THREADS=${ompNumThreads} ${effect}` : '';
  return { status: 'ok', found: `training uses ${threads} on ${usable}${note}`, details: { ...facts } };
}

function findProblem(facts: ThreadFacts): Problem | undefined {
  const { usableCores, trainingThreads, ompNumThreads, ompThreadLimit } = facts;
  const threads = trainingThreads ?? usableCores;
  const warning = (found: string, nextStep: string): Problem => ({ status: 'warning', found, nextStep });
  // LibTorch's kernels then wait at a barrier for threads that are never started.
  if (firstNumber(ompThreadLimit) < threads)
    return warning(
      `OMP_THREAD_LIMIT=${ompThreadLimit} is below the ${counted(threads, 'thread')} of training, which then hangs`,
      'run `unset OMP_THREAD_LIMIT`',
    );
  // Threads that share a core wait for each other at every operation.
  if (threads > usableCores)
    return warning(
      `training starts ${counted(threads, 'thread')} on ${counted(usableCores, 'usable core')}, which is slow`,
      `train with \`training.threads=${usableCores}\``,
    );
  if (threads < usableCores && firstNumber(ompNumThreads) === threads)
    return warning(
      `OMP_NUM_THREADS=${ompNumThreads} limits training to ${threads} of ${counted(usableCores, 'core')}`,
      'run `unset OMP_NUM_THREADS`',
    );
  return undefined;
}

/** OMP_NUM_THREADS may list a number for each level of nesting; NaN compares as no limit. */
function firstNumber(text: string | undefined): number {
  return Number.parseInt(text ?? '', 10);
}
