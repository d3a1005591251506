// Owns a sweep: the jobs that overrides with several values ask for, all checked, then trained one after the other.
// Must not print; what happens is told by events.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfAborted } from './abort-signal.js';
import {
  type Config,
  configToSnake,
  expandSweep,
  type LoadConfigOptions,
  loadConfig,
} from './config/index.js';
import { AbortError, Cifar10Error } from './errors.js';
import { CONFIG_FILE, canResume, listRuns, RunFolder, type RunInfo } from './runs/index.js';
import { metricOf, type SweepJob, type SweepMetric, summaryCsv } from './sweep-summary.js';
import { type TrainEvent, trainByPlan } from './train.js';
import { planNewRun, planResumption, type TrainingPlan } from './training-plan.js';
import { TrainingRun } from './training-run.js';

/**
 * The configuration, with overrides that have several values, and what to do with the jobs.
 *
 * @category Training
 */
export interface SweepOptions extends LoadConfigOptions {
  /** Stops the running job as it stops a training, and the sweep with it. */
  signal?: AbortSignal | undefined;
  /** Stop at the first job that fails. Default: false, go on with the next one. */
  isFailFast?: boolean | undefined;
  /** Take over jobs of earlier sweeps with the same configuration: finished ones as they are, stopped ones to go on. */
  isResumed?: boolean | undefined;
  /** Called once, with all configurations, checked: the place to download a dataset. */
  prepare?: ((configs: readonly Config[]) => Promise<void>) | undefined;
}

/**
 * What a sweep tells while it goes on: the beginning and the end of each job, and between them the events of its
 * training.
 *
 * @category Training
 */
export type SweepEvent = SweepJobEvent | SweepJobEndEvent | TrainEvent;

/**
 * A job of a sweep begins. One that an earlier sweep has finished does not: it only ends.
 *
 * @category Training
 */
export interface SweepJobEvent {
  /** Tells the events apart. */
  type: 'job';
  /** The job as it is now. */
  job: SweepJob;
  /** Jobs of the sweep in all. */
  count: number;
}

/**
 * A job of a sweep has ended, whatever its end is.
 *
 * @category Training
 */
export interface SweepJobEndEvent {
  /** Tells the events apart. */
  type: 'job-end';
  /** The job with what it has come to. */
  job: SweepJob;
  /** Jobs of the sweep in all. */
  count: number;
}

/**
 * What a sweep has come to.
 *
 * @category Training
 */
export interface SweepResult {
  /** Absolute path of the sweep's folder: a folder for each job, and summary.csv with the best first. */
  sweepDir: string;
  /** What the jobs are ranked by. */
  metric: SweepMetric;
  /** In the order they ran. */
  jobs: readonly SweepJob[];
}

/**
 * Rejection of a sweep in which a job failed (`SWEEP_JOBS_FAILED`), or that was stopped (`ABORTED`).
 *
 * @category Errors
 */
export class SweepError extends Cifar10Error {
  override name = 'SweepError';

  /** @internal */
  constructor(
    code: 'SWEEP_JOBS_FAILED' | 'ABORTED',
    what: string,
    nextStep: string,
    /** What has become of each job; those that did not run are `pending`. */
    readonly result: SweepResult,
    cause?: unknown,
  ) {
    super(code, { what, nextStep, cause });
  }
}

const SUMMARY_FILE = 'summary.csv';
const SWEEPS_FOLDER = 'multirun';

/** A job before it runs: what it trains is settled here, whatever happens to the files it came from. */
interface PlannedJob {
  readonly overrides: readonly string[];
  readonly config: Config;
}

/**
 * Trains one model for each combination of the values, one after the other, all checked before the first begins.
 * Overrides with several values are `key=a,b`, `key=choice(a,b)` and `key=range(start,stop,step)`; the last one
 * varies fastest.
 * Errors: `CONFIG_*` before anything is done; `SweepError` with code `SWEEP_JOBS_FAILED` after the last job, or
 * `ABORTED`; `DISK_FULL`, `NOT_WRITABLE` for the sweep's own folder.
 *
 * @category Training
 */
export function sweep(options: SweepOptions): TrainingRun<SweepResult, SweepEvent> {
  return new TrainingRun((emit) => runSweep(options, emit));
}

async function runSweep(options: SweepOptions, emit: (event: SweepEvent) => void): Promise<SweepResult> {
  const planned = planJobs(options);
  throwIfAborted(options.signal, 'the sweep was stopped before its first job');
  await options.prepare?.(planned.map(({ config }) => config));
  const root = join((planned[0] as PlannedJob).config.outputDir, SWEEPS_FOLDER);
  const earlier = options.isResumed ? await findEarlier(root) : new Map<string, RunInfo>();
  const folder = await RunFolder.createDated(root);
  const jobs = planned.map((job, index) =>
    pendingJob(index, varyingOverrides(job.overrides, options.overrides)),
  );
  const run = new Sweep(options, folder, jobs, earlier, emit);
  for (const [index, job] of planned.entries()) if (!(await run.runJob(jobs[index] as SweepJob, job))) break;
  return run.end();
}

function planJobs({ overrides = [], ...rest }: SweepOptions): PlannedJob[] {
  const now = rest.now ?? new Date();
  const jobs = expandSweep(overrides);
  if (jobs.length > 0)
    return jobs.map((job) => ({ overrides: job, config: loadConfig({ ...rest, now, overrides: job }) }));
  throw new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
    what: 'the sweep has no jobs',
    expected: 'at least one value for each override',
    found: 'an empty range',
    nextStep: 'correct the range',
  });
}

/** Those that had several values; where none had, all. */
function varyingOverrides(overrides: readonly string[], given: readonly string[] = []): readonly string[] {
  const varying = overrides.filter((override, index) => override !== given[index]);
  return varying.length > 0 ? varying : overrides;
}

class Sweep {
  readonly #options: SweepOptions;
  readonly #folder: RunFolder;
  readonly #jobs: readonly SweepJob[];
  readonly #earlier: ReadonlyMap<string, RunInfo>;
  readonly #emit: (event: SweepEvent) => void;

  constructor(
    options: SweepOptions,
    folder: RunFolder,
    jobs: readonly SweepJob[],
    earlier: ReadonlyMap<string, RunInfo>,
    emit: (event: SweepEvent) => void,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#jobs = jobs;
    this.#earlier = earlier;
    this.#emit = emit;
  }

  /** Runs one job to its end, whatever it is; whether the next one should begin. */
  async runJob(job: SweepJob, planned: PlannedJob): Promise<boolean> {
    const count = this.#jobs.length;
    const known = this.#earlier.get(identityOf(planned.config));
    if (known?.status === 'finished') Object.assign(job, figuresOf(known), { status: 'reused' });
    else {
      this.#emit({ type: 'job', job: { ...job }, count });
      Object.assign(job, await this.#train(job, planned, known));
    }
    this.#emit({ type: 'job-end', job: { ...job }, count });
    await this.#folder.write(SUMMARY_FILE, summaryCsv(this.#jobs));
    return job.status !== 'stopped' && !(job.status === 'failed' && this.#options.isFailFast);
  }

  /** The result, or the error that says what went wrong. */
  async end(): Promise<SweepResult> {
    const jobs = this.#jobs;
    const result = { sweepDir: this.#folder.path, metric: metricOf(jobs), jobs };
    const again = 'run it again with --resume: what is finished is not run again';
    if (jobs.some(({ status }) => status === 'stopped'))
      throw new SweepError('ABORTED', 'the sweep was stopped', again, result, this.#options.signal?.reason);
    const failed = jobs.filter(({ status }) => status === 'failed');
    if (failed.length === 0) return result;
    const codes = [...new Set(failed.map(({ error }) => error?.code))].join(', ');
    const what = `${failed.length} of ${jobs.length} jobs failed: ${codes}`;
    throw new SweepError(
      'SWEEP_JOBS_FAILED',
      what,
      `mend what "${SUMMARY_FILE}" tells, then ${again}`,
      result,
    );
  }

  async #train(job: SweepJob, planned: PlannedJob, known: RunInfo | undefined): Promise<Partial<SweepJob>> {
    const runDir = known?.runDir ?? join(this.#folder.path, String(job.index));
    const plan = async (): Promise<TrainingPlan> =>
      known === undefined ? planNewRun({ ...planned, runDir }) : planResumption(runDir);
    try {
      const run = trainByPlan(plan, { signal: this.#options.signal });
      for await (const event of run) this.#emit(event);
      return { ...figuresOf(await run), status: 'finished' };
    } catch (error) {
      return { ...failureOf(error), runDir: existsSync(runDir) ? runDir : null };
    }
  }
}

/** The newest run of each configuration that is finished, or can go on. */
async function findEarlier(root: string): Promise<Map<string, RunInfo>> {
  const found = new Map<string, RunInfo>();
  for (const run of await listRuns(root)) {
    const identity = readIdentity(run);
    const isBetter = found.get(identity ?? '')?.status !== 'finished';
    if (identity !== undefined && isBetter && (run.status === 'finished' || canResume(run)))
      found.set(identity, run);
  }
  return found;
}

/** Undefined for a configuration that cannot be read: that run is not taken over. */
function readIdentity({ runDir }: RunInfo): string | undefined {
  try {
    return identityOf(loadConfig({ config: join(runDir, CONFIG_FILE) }));
  } catch {
    return undefined;
  }
}

/** Where a run writes to does not matter. */
function identityOf(config: Config): string {
  return JSON.stringify({ ...configToSnake(config), output_dir: undefined });
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
}: Pick<RunInfo, 'runDir' | 'test' | 'val' | 'durationSeconds'>): Partial<SweepJob> {
  return { runDir, durationSeconds, valAccuracy: val?.accuracy ?? null, ...(test ?? {}) };
}

/** A mistake of ours is the failure of that job only, too. */
function failureOf(error: unknown): Partial<SweepJob> {
  const known = error instanceof Cifar10Error ? error : new Cifar10Error('INTERNAL', { what: String(error) });
  const { code, message } = known;
  return { status: error instanceof AbortError ? 'stopped' : 'failed', error: { code, message } };
}
