// Owns run.json, what a run says about itself from its start to its end. Must not list runs nor know what they compute.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Cifar10Error, systemCode } from '../errors.js';
import { isAlive } from '../process-identity.js';

export const RECORD_FILE = 'run.json';

const recordSchema = z.object({
  formatVersion: z.literal(1),
  status: z.enum(['running', 'finished', 'stopped', 'failed']),
  model: z.string(),
  seed: z.number(),
  epochs: z.number(),
  /** Updates done, of how many; 0 before the start event. */
  step: z.number(),
  steps: z.number(),
  overrides: z.array(z.string()),
  /** ISO 8601. */
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  /** Of all sessions of the run together. */
  durationSeconds: z.number(),
  trainSeconds: z.number().nullable(),
  testSeconds: z.number().nullable(),
  imagesPerSecond: z.number().nullable(),
  /** Where it runs, in the last process of a run that went on; null before the start event. */
  device: z.string().nullable().default(null),
  threads: z.number().nullable().default(null),
  precision: z.enum(['bf16', 'fp32']).nullable().default(null),
  /** Resident memory of its process, at its highest; of the last process of a run that went on. */
  peakMemoryBytes: z.number().nullable().default(null),
  test: z
    .object({ accuracy: z.number(), crossEntropy: z.number(), ttaAccuracy: z.number().nullable() })
    .nullable(),
  /** By `training.early_stopping`. */
  hasEndedEarly: z.boolean().default(false),
  /** By `training.select`, from 1: its weights were tested and saved. Null: those of the last epoch. */
  bestEpoch: z.number().nullable().default(null),
  /** On the images held out of train, after the last epoch that was validated, or the best one if its weights were kept. */
  val: z.object({ accuracy: z.number(), crossEntropy: z.number() }).nullable(),
  /** Name of the file in the folder. */
  checkpoint: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** Who runs it, to tell a run under way from one that crashed. */
  process: z.object({ host: z.string(), pid: z.number(), started: z.string().nullable().default(null) }),
  /** Of this package. */
  version: z.string(),
});

/** What a run says about itself. */
export type RunRecord = z.infer<typeof recordSchema>;

/** `crashed`: it says it is running, and its process is gone. */
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
