// Owns what a sweep says of its jobs: which is the best, and the table of them as CSV. Must not run or read anything.
import { stringify as stringifyCsv } from 'csv-stringify/sync';

/**
 * A job of a sweep and what has become of it. Figures are null where there are none.
 *
 * @category Training
 */
export interface SweepJob {
  /** From 0. */
  index: number;
  /** The overrides that had several values; of a single job all of them. */
  overrides: readonly string[];
  /** `reused`: an earlier sweep has finished it. `pending`: its turn did not come. */
  status: 'pending' | 'finished' | 'reused' | 'stopped' | 'failed';
  /** Absolute path of the folder of its run; null without one. */
  runDir: string | null;
  /** On the test images, without augmentation: fraction in [0, 1]. */
  accuracy: number | null;
  /** The same with test-time augmentation. */
  ttaAccuracy: number | null;
  /** On the test images, in nats. */
  crossEntropy: number | null;
  /** On the images held out of train, where there are any: what to choose by. */
  valAccuracy: number | null;
  /** Of its run, as `TrainResult` has it. */
  durationSeconds: number | null;
  /** Why it has failed or was stopped. */
  error: {
    /** An `ErrorCode`. */
    code: string;
    /** One sentence for a person. */
    message: string;
  } | null;
}

/**
 * What jobs are compared by.
 *
 * @category Training
 */
export type SweepMetric = 'valAccuracy' | 'ttaAccuracy' | 'accuracy';

/**
 * The metric that all jobs with a result have: accuracy on the validation split, since a choice by the test images would
 * make their figure look better than it is; else on the test images, augmented if all were.
 */
export function metricOf(jobs: readonly SweepJob[]): SweepMetric {
  const done = jobs.filter(({ accuracy }) => accuracy !== null);
  const shared = (['valAccuracy', 'ttaAccuracy'] as const).find(
    (metric) => done.length > 0 && done.every((job) => job[metric] !== null),
  );
  return shared ?? 'accuracy';
}

/**
 * The jobs, the best first; those without a result behind, in their order. The metric is the accuracy on the
 * validation split where all jobs with a result have one, else on the test images, with test-time augmentation if all
 * have that.
 *
 * @category Training
 */
export function rankJobs(jobs: readonly SweepJob[]): SweepJob[] {
  const metric = metricOf(jobs);
  const score = (job: SweepJob) => job[metric] ?? -1;
  return [...jobs].sort((a, b) => score(b) - score(a) || a.index - b.index);
}

const CSV_COLUMNS = [
  'job',
  'status',
  'overrides',
  'val_accuracy',
  'accuracy',
  'tta_accuracy',
  'cross_entropy',
  'duration_seconds',
  'run_dir',
  'error_code',
  'error_message',
];

/** The jobs as a table, the best first. */
export function summaryCsv(jobs: readonly SweepJob[]): string {
  const rows = rankJobs(jobs).map((job) => [
    job.index,
    job.status,
    job.overrides.join(' '),
    job.valAccuracy,
    job.accuracy,
    job.ttaAccuracy,
    job.crossEntropy,
    job.durationSeconds,
    job.runDir,
    job.error?.code ?? null,
    job.error?.message ?? null,
  ]);
  return stringifyCsv([CSV_COLUMNS, ...rows]);
}
