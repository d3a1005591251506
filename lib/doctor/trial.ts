// Owns the check that the addon loads and computes, tried in a child process of its own.
// Must not load native code into this process; however the child ends, it ends as a finding.

import { type ChildEnd, type ChildOptions, describeEnd, excerpt, mainLine } from '../child.js';
import type { LocatedLibtorch } from '../libtorch/index.js';
import type { BuiltAddon } from './addon.js';
import { type Finding, type Problem, problemOf, withoutNextStep } from './check.js';
import { replaceStep } from './libtorch.js';
import { type AddonAnswer, type ProbeError, readAddonAnswer } from './probe-answer.js';
import { runProbe } from './probe-process.js';
import { counted } from './units.js';

/** What the addon said of itself, or why it did not. */
export type Trial = { isOk: true; answer: AddonAnswer } | { isOk: false; problem: Problem };

/** Tries the addon with this LibTorch; where one of them is missing there is nothing to try. Never rejects. */
export async function tryAddon(
  addon: Promise<BuiltAddon>,
  libtorch: Promise<LocatedLibtorch>,
  options: ChildOptions,
): Promise<Trial> {
  try {
    await addon;
    const located = await libtorch;
    return await tryInChild(located, options).catch((error) => failed(problemOf(error)));
  } catch (error) {
    const { nextStep } = problemOf(error);
    return failed({ status: 'failure', found: 'not tried, because of the failure above', nextStep });
  }
}

export function describeTrial(trial: Trial): Finding {
  if (!trial.isOk) return trial.problem;
  const { device, threads, cpuCapability } = trial.answer;
  const found = `trained one step on ${device} with ${cpuCapability} kernels, ${counted(threads, 'thread')}`;
  return { status: 'ok', found, details: { ...trial.answer } };
}

async function tryInChild(libtorch: LocatedLibtorch, options: ChildOptions): Promise<Trial> {
  // The child takes the LibTorch that the report names, without a second search.
  const env = { ...process.env, LIBTORCH: libtorch.path };
  const { end, stdout, stderr } = await runProbe('probe', { ...options, env });
  if (end.kind !== 'exited' || end.exitCode !== 0) return failed(endProblem(end, stderr, libtorch));
  const answer = readAddonAnswer(stdout);
  if (answer === undefined) return failed(rubbishProblem(stdout, libtorch));
  return 'error' in answer ? failed(errorProblem(answer.error, libtorch)) : { isOk: true, answer };
}

function failed(problem: Problem): Trial {
  return { isOk: false, problem };
}

function endProblem(end: ChildEnd, stderr: string, libtorch: LocatedLibtorch): Problem {
  const line = mainLine(stderr);
  const found = `the process that loads LibTorch and trains one step ${describeEnd(end)}${line && ` (${line})`}`;
  const details = { end, stderr: stderr.slice(-2000) };
  return { status: 'failure', found, nextStep: stepAfter(end) ?? replaceStep(libtorch), details };
}

/** Where the end itself tells more than that this LibTorch does not work. */
function stepAfter(end: ChildEnd): string | undefined {
  if (end.kind === 'stopped') return 'run `npx cifar10-torch doctor` again';
  if (end.kind === 'timeout' && process.env.OMP_THREAD_LIMIT) return 'run `unset OMP_THREAD_LIMIT`';
  if (end.kind !== 'killed') return undefined;
  // An instruction that the processor lacks: LibTorch and oneDNN can be told to do without the newer ones.
  if (end.signalName === 'SIGILL') return 'run `export ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41`';
  return end.signalName === 'SIGKILL'
    ? 'free some memory: the system may have killed it for want of it'
    : undefined;
}

function rubbishProblem(stdout: string, libtorch: LocatedLibtorch): Problem {
  const printed = stdout.trim() === '' ? 'nothing' : `"${excerpt(stdout)}"`;
  const found = `the process that loads LibTorch and trains one step printed ${printed} instead of its answer`;
  return {
    status: 'failure',
    found,
    nextStep: replaceStep(libtorch),
    details: { stdout: stdout.slice(0, 2000) },
  };
}

function errorProblem(error: ProbeError, libtorch: LocatedLibtorch): Problem {
  const { message: _, nextStep, ...details } = error;
  const found = withoutNextStep(error);
  // The error of a LibTorch that cannot be opened advises to ask this very command.
  const isAddonFault = details.code !== 'LIBTORCH_LOAD_FAILED' && nextStep !== undefined;
  return { status: 'failure', found, nextStep: isAddonFault ? nextStep : replaceStep(libtorch), details };
}
