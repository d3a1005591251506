// Owns a sweep as the command `train -m` shows it: each job's progress, a line at its end, the summary.
import type { Config, SweepEvent, SweepJob, SweepOptions, SweepResult } from '../lib/index.js';
import type { Context } from './command.js';
import { provideDatasets } from './dataset-download.js';
import { duration, percent, percentOrDash, shortPath } from './format.js';
import { columns } from './table.js';
import { TrainingProgress } from './training-progress.js';

/** Runs the sweep and prints its summary, also that of one that failed or was stopped. */
export async function runSweep(options: SweepOptions, context: Context): Promise<void> {
  const { rankJobs, SweepError, sweep } = await import('../lib/index.js');
  const describe = (result: SweepResult) => describeSweep(result, rankJobs(result.jobs));
  const prepare = (configs: readonly Config[]) => provideDatasets(configs, context);
  const run = sweep({ ...options, signal: context.signal, prepare });
  try {
    const display = new SweepDisplay(context);
    for await (const event of run) display.show(event);
    const result = await run;
    context.printResult(result, () => describe(result));
  } catch (error) {
    // Under --json the report of the error holds the jobs.
    if (error instanceof SweepError && !context.isJson) context.printResult({}, () => describe(error.result));
    throw error;
  }
}

class SweepDisplay {
  readonly #context: Context;
  #training: TrainingProgress;

  constructor(context: Context) {
    this.#context = context;
    this.#training = this.#newTraining();
  }

  show(event: SweepEvent): void {
    if (event.type === 'job') {
      this.#training = this.#newTraining();
      this.#context.message(`job ${numberOf(event)}: ${overridesOf(event.job)}`);
    } else if (event.type === 'job-end') {
      this.#context.progress.close();
      this.#context.message(`job ${numberOf(event)} ${outcomeOf(event.job)}`);
    } else this.#training.show(event);
  }

  #newTraining(): TrainingProgress {
    return new TrainingProgress(this.#context.progress, this.#context.message);
  }
}

function numberOf({ job, count }: { job: SweepJob; count: number }): string {
  return `${job.index + 1}/${count}`;
}

function overridesOf({ overrides }: SweepJob): string {
  return overrides.join(' ') || 'without overrides';
}

function outcomeOf(job: SweepJob): string {
  if (job.error !== null) return `${job.status}: ${job.error.code}: ${job.error.message}`;
  const accuracy = job.accuracy === null ? '' : `, test accuracy ${percent(job.accuracy)}`;
  return `${job.status}${accuracy}`;
}

function describeSweep({ sweepDir, metric }: SweepResult, ranked: readonly SweepJob[]): string {
  const hasVal = metric === 'valAccuracy';
  const rows = ranked.map((job) => [
    String(job.index + 1),
    shortOverrides(job),
    job.error === null ? job.status : `${job.status} ${job.error.code}`,
    ...(hasVal ? [percentOrDash(job.valAccuracy)] : []),
    percentOrDash(job.accuracy),
    percentOrDash(job.ttaAccuracy),
    job.durationSeconds === null ? '-' : duration(job.durationSeconds),
  ]);
  const head = ['job', 'overrides', 'status', ...(hasVal ? ['val'] : []), 'test', 'TTA', 'time'];
  return [columns(head, rows), '', `summary    ${shortPath(sweepDir)}/summary.csv`].join('\n');
}

/** With the last part of each key, where that tells them apart. */
function shortOverrides(job: SweepJob): string {
  const short = job.overrides.map((override) => override.replace(/^(\W*)[^=]*\.(?=[^.=]+=)/, '$1'));
  const keys = short.map((override) => override.split('=', 1)[0]);
  return new Set(keys).size === keys.length ? short.join(' ') : overridesOf(job);
}
