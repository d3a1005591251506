// Owns a sweep: the jobs that overrides with several values ask for, one after the other, and their summary.
// Must not print; what happens is told by events.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify as stringifyCsv } from 'csv-stringify/sync';
import { parse } from 'yaml';
import {
  type Config,
  configToSnake,
  expandSweep,
  type LoadConfigOptions,
  loadConfig,
} from './config/index.js';
import { AbortError, Cifar10Error } from './errors.js';
import { throwIfAborted } from './native-job.js';
import { CONFIG_FILE, listRuns, RunFolder, type RunInfo } from './runs/index.js';
import { type TrainEvent, type TrainOptions, train } from './train.js';
import { TrainingRun } from './training-run.js';

export interface SweepOptions extends LoadConfigOptions {
  /** Stops the running job as it stops a training, and the sweep with it. */
  signal?: AbortSignal | undefined;
  /** Stop at the first job that fails. Default: go on with the next one. */
  isFailFast?: boolean | undefined;
  /** Take over jobs of earlier sweeps with the same configuration: finished ones as they are, stopped ones to go on. */
  isResumed?: boolean | undefined;
}

/** A job and what has become of it. */
export interface SweepJob {
  /** From 0. */
  index: number;
  /** The overrides that differ between the jobs. */
  overrides: readonly string[];
  /** `reused`: an earlier sweep has finished it. `pending`: its turn did not come. */
  status: 'pending' | 'finished' | 'reused' | 'stopped' | 'failed';
  /** Absolute path; null without one. */
  runDir: string | null;
  accuracy: number | null;
  ttaAccuracy: number | null;
  crossEntropy: number | null;
  /** On the images held out of train, where there are any: what to choose by. */
  valAccuracy: number | null;
  durationSeconds: number | null;
  error: { code: string; message: string } | null;
}

export type SweepEvent =
  | { type: 'job'; job: SweepJob; count: number }
  | { type: 'job-end'; job: SweepJob; count: number }
  | TrainEvent;

export interface SweepResult {
  /** Absolute path of the sweep's folder: a folder for each job, and summary.csv. */
  sweepDir: string;
  /** In the order they ran. */
  jobs: readonly SweepJob[];
}

/** Rejection of a sweep in which a job failed, or that was stopped; the jobs tell more. */
export class SweepError extends Cifar10Error {
  constructor(
    code: 'SWEEP_JOBS_FAILED' | 'ABORTED',
    what: string,
    nextStep: string,
    readonly result: SweepResult,
    cause?: unknown,
  ) {
    super(code, { what, nextStep, cause });
  }
}

const SUMMARY_FILE = 'summary.csv';
const SWEEPS_FOLDER = 'multirun';

/** The configurations of all jobs, checked. Errors: `CONFIG_*`, naming the job. */
export function sweepConfigs(options: SweepOptions): { overrides: string[]; config: Config }[] {
  const { overrides = [], ...rest } = options;
  const now = options.now ?? new Date();
  const jobs = expandSweep(overrides);
  if (jobs.length === 0)
    throw new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
      what: 'the sweep has no jobs',
      expected: 'at least one value for each override',
      found: 'an empty range',
      nextStep: 'correct the range',
    });
  return jobs.map((job) => ({ overrides: job, config: loadConfig({ ...rest, now, overrides: job }) }));
}

/**
 * Trains one model for each combination of the values, all checked before the first begins.
 * Errors: `CONFIG_*` before anything is done; `SweepError` with code `SWEEP_JOBS_FAILED` after the last job, or
 * `ABORTED`; `DISK_FULL`, `NOT_WRITABLE` for the sweep's own folder.
 */
export function sweep(options: SweepOptions): TrainingRun<SweepResult, SweepEvent> {
  return new TrainingRun((emit) => runSweep(options, emit));
}

async function runSweep(options: SweepOptions, emit: (event: SweepEvent) => void): Promise<SweepResult> {
  const configs = sweepConfigs(options);
  throwIfAborted(options.signal, 'the sweep was stopped before its first job');
  const outputDir = (configs[0] as { config: Config }).config.outputDir;
  const earlier = options.isResumed ? await listRuns(join(outputDir, SWEEPS_FOLDER)) : [];
  const folder = await RunFolder.createDated(join(outputDir, SWEEPS_FOLDER));
  const varying = (overrides: readonly string[]) =>
    overrides.filter((override, index) => configs.some((other) => other.overrides[index] !== override));
  const jobs = configs.map(({ overrides }, index) => pendingJob(index, varying(overrides)));
  const run = new Sweep(options, folder, jobs, earlier, emit);
  for (const [index, { overrides, config }] of configs.entries())
    if (!(await run.runJob(jobs[index] as SweepJob, overrides, config))) break;
  return run.end();
}

class Sweep {
  readonly #options: SweepOptions;
  readonly #folder: RunFolder;
  readonly #jobs: readonly SweepJob[];
  readonly #earlier: readonly RunInfo[];
  readonly #emit: (event: SweepEvent) => void;

  constructor(
    options: SweepOptions,
    folder: RunFolder,
    jobs: readonly SweepJob[],
    earlier: readonly RunInfo[],
    emit: (event: SweepEvent) => void,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#jobs = jobs;
    this.#earlier = earlier;
    this.#emit = emit;
  }

  /** Runs one job to its end, whatever it is; whether the next one should begin. */
  async runJob(job: SweepJob, overrides: readonly string[], config: Config): Promise<boolean> {
    const count = this.#jobs.length;
    const known = await this.#findEarlier(config);
    if (known?.status === 'finished') Object.assign(job, figuresOf(known), { status: 'reused' });
    else {
      this.#emit({ type: 'job', job: { ...job }, count });
      Object.assign(job, await this.#train(job, overrides, known));
    }
    this.#emit({ type: 'job-end', job: { ...job }, count });
    await this.#folder.write(SUMMARY_FILE, summaryCsv(this.#jobs));
    return job.status !== 'stopped' && !(job.status === 'failed' && this.#options.isFailFast);
  }

  /** The result, or the error that says what went wrong. */
  async end(): Promise<SweepResult> {
    const result = { sweepDir: this.#folder.path, jobs: this.#jobs };
    const done = (status: SweepJob['status']) => this.#jobs.filter((job) => job.status === status);
    const again = 'run it again with --resume: what is finished is not run again';
    const reason: unknown = this.#options.signal?.reason;
    if (done('stopped').length > 0)
      throw new SweepError('ABORTED', 'the sweep was stopped', again, result, reason);
    const failed = done('failed').length;
    if (failed === 0) return result;
    const what = `${failed} of ${this.#jobs.length} jobs failed`;
    throw new SweepError('SWEEP_JOBS_FAILED', what, `mend the errors above, then ${again}`, result);
  }

  async #train(
    job: SweepJob,
    overrides: readonly string[],
    known: RunInfo | undefined,
  ): Promise<Partial<SweepJob>> {
    const { config, configDir, env, now, signal } = this.#options;
    const runDir = join(this.#folder.path, String(job.index));
    const options: TrainOptions =
      known === undefined
        ? { config, configDir, env, now, overrides, runDir, signal }
        : { configDir, env, now, resume: known.runDir, signal };
    try {
      const run = train(options);
      for await (const event of run) this.#emit(event);
      return { ...figuresOf(await run), status: 'finished' };
    } catch (error) {
      return failureOf(error);
    }
  }

  /** A finished run of this configuration, else a stopped one. Where it writes to does not matter. */
  async #findEarlier(config: Config): Promise<RunInfo | undefined> {
    const wanted = identityOf(configToSnake(config));
    let stopped: RunInfo | undefined;
    for (const run of this.#earlier.filter(({ status }) => status === 'finished' || status === 'stopped')) {
      const text = await readFile(join(run.runDir, CONFIG_FILE), 'utf8').catch(() => '');
      if (identityOf((parse(text) ?? {}) as object) !== wanted) continue;
      if (run.status === 'finished') return run;
      stopped = run;
    }
    return stopped;
  }
}

function identityOf(config: object): string {
  return JSON.stringify({ ...config, output_dir: undefined });
}

function pendingJob(index: number, overrides: readonly string[]): SweepJob {
  return {
    index,
    overrides,
    status: 'pending',
    runDir: null,
    accuracy: null,
    ttaAccuracy: null,
    crossEntropy: null,
    valAccuracy: null,
    durationSeconds: null,
    error: null,
  };
}

function figuresOf({
  runDir,
  test,
  val,
  durationSeconds,
}: Pick<RunInfo, 'runDir' | 'test' | 'val' | 'durationSeconds'>) {
  return { runDir, durationSeconds, valAccuracy: val?.accuracy ?? null, ...(test ?? {}) };
}

function failureOf(error: unknown): Partial<SweepJob> {
  if (!(error instanceof Cifar10Error)) throw error;
  const { code, message } = error;
  const runDir = 'runDir' in error ? (error.runDir as string) : null;
  return { status: error instanceof AbortError ? 'stopped' : 'failed', runDir, error: { code, message } };
}

const CSV_COLUMNS = [
  'job',
  'status',
  'overrides',
  'accuracy',
  'tta_accuracy',
  'cross_entropy',
  'val_accuracy',
  'duration_seconds',
  'run_dir',
  'error_code',
];

function summaryCsv(jobs: readonly SweepJob[]): string {
  const rows = jobs.map((job) => [
    job.index,
    job.status,
    job.overrides.join(' '),
    job.accuracy,
    job.ttaAccuracy,
    job.crossEntropy,
    job.valAccuracy,
    job.durationSeconds,
    job.runDir,
    job.error?.code ?? null,
  ]);
  return stringifyCsv([CSV_COLUMNS, ...rows]);
}
