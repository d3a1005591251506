// Owns run.json, what a run says about itself from its start to its end. Must not list runs nor know what they compute.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Cifar10Error, systemCode } from '../errors.js';
import type { Precision } from '../native-addon.js';
import { isAlive } from '../process-identity.js';

export const RECORD_FILE = 'run.json';

const figures = { accuracy: z.number(), crossEntropy: z.number() };

/**
 * What may stand in the file; what it means says `RunRecord`. A key with a default came later than the first version.
 */
const recordSchema: z.ZodType<RunRecord> = z.object({
  formatVersion: z.literal(1),
  status: z.enum(['running', 'finished', 'stopped', 'failed']),
  model: z.string(),
  seed: z.number(),
  epochs: z.number(),
  step: z.number(),
  steps: z.number(),
  overrides: z.array(z.string()),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  durationSeconds: z.number(),
  trainSeconds: z.number().nullable(),
  testSeconds: z.number().nullable(),
  imagesPerSecond: z.number().nullable(),
  device: z.string().nullable().default(null),
  threads: z.number().nullable().default(null),
  precision: z.enum(['bf16', 'fp32']).nullable().default(null),
  peakMemoryBytes: z.number().nullable().default(null),
  test: z.object({ ...figures, ttaAccuracy: z.number().nullable() }).nullable(),
  hasEndedEarly: z.boolean().default(false),
  bestEpoch: z.number().nullable().default(null),
  val: z.object(figures).nullable(),
  checkpoint: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  process: z.object({ host: z.string(), pid: z.number(), started: z.string().nullable().default(null) }),
  version: z.string(),
});

/**
 * What a run says about itself, from its start to its end: the content of `run.json` in its folder. Figures are null
 * as long as there are none.
 *
 * @category Runs
 */
export interface RunRecord {
  /** Of this form of the file. */
  formatVersion: 1;
  /** Also `running` in what a crashed process has left. */
  status: 'running' | 'finished' | 'stopped' | 'failed';
  /** The name that the model has in tables: `fast`, `resnet20`… */
  model: string;
  /** The setting, `training.seed`. */
  seed: number;
  /** The setting, `training.epochs`. */
  epochs: number;
  /** Updates done, of how many; 0 before the start event. */
  step: number;
  /** Updates of the whole training; 0 before the start event. */
  steps: number;
  /** As they were given, those of every part of a run that went on. */
  overrides: string[];
  /** When the run was begun: ISO 8601, UTC. */
  startedAt: string;
  /** When it ended, whatever its end was; null while it is running. */
  endedAt: string | null;
  /** Of all parts of the run together, as `TrainResult` has it. */
  durationSeconds: number;
  /** As in `TrainResult`. */
  trainSeconds: number | null;
  /** As in `TrainResult`. */
  testSeconds: number | null;
  /** As in `TrainResult`. */
  imagesPerSecond: number | null;
  /** Where it runs, in the last process of a run that went on; null before the start event. */
  device: string | null;
  /** How many threads compute, likewise. */
  threads: number | null;
  /** Of activations in training, likewise. */
  precision: Precision | null;
  /** Resident memory of its process, at its highest; of the last process of a run that went on. */
  peakMemoryBytes: number | null;
  /** On the test images. */
  test: {
    /** Fraction in [0, 1], without augmentation. */
    accuracy: number;
    /** Mean over the images, in nats, without label smoothing. */
    crossEntropy: number;
    /** The accuracy with test-time augmentation; null at `training.tta_level` 0. */
    ttaAccuracy: number | null;
  } | null;
  /** Whether `training.early_stopping` ended it. */
  hasEndedEarly: boolean;
  /**
   * The epoch that `training.select` picked, from 1: its weights were tested and saved. Null: those of the last
   * epoch.
   */
  bestEpoch: number | null;
  /**
   * On the images held out of train, after the last epoch that was validated, or the best one if its weights were
   * kept.
   */
  val: {
    /** Fraction in [0, 1]. */
    accuracy: number;
    /** As in `test`. */
    crossEntropy: number;
  } | null;
  /** Name of the file in the folder: the finished checkpoint, or the state to go on from. */
  checkpoint: string | null;
  /** Why it has failed, or was stopped by a failure. */
  error: {
    /** An `ErrorCode`. */
    code: string;
    /** One sentence for a person. */
    message: string;
  } | null;
  /** Who runs it, to tell a run under way from one that crashed. */
  process: {
    /** The name of the machine. */
    host: string;
    /** The number of the process. */
    pid: number;
    /** When the process began, in a form of its system; null where that does not tell. */
    started: string | null;
  };
  /** Of this package. */
  version: string;
}

/**
 * How a run ended, or that it has not. `crashed`: it says it is running, and its process is gone.
 *
 * @category Runs
 */
export type RunStatus = RunRecord['status'] | 'crashed';

/** The record as a file. */
export function encodeRecord(record: RunRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The record of the run in that folder; undefined if there is none. Errors: `RUN_INVALID`. */
export async function readRecord(folder: string): Promise<RunRecord | undefined> {
  const path = join(folder, RECORD_FILE);
  try {
    return recordSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw new Cifar10Error('RUN_INVALID', {
      what: `run record "${path}" cannot be read`,
      expected: 'what the train command wrote',
      found:
        error instanceof z.ZodError ? z.prettifyError(error).split('\n', 1)[0] : (error as Error).message,
      nextStep: 'remove the folder, or restore the file',
      cause: error,
    });
  }
}

/** The status with a look at the process that should be running. */
export function statusOf({ status, process }: RunRecord): RunStatus {
  return status === 'running' && isAlive(process) === false ? 'crashed' : status;
}
