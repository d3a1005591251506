// Owns what a call of `train` is to do: a new run from a configuration, or one that was stopped, from its folder.
// Must not run anything.
import { basename, dirname, join, resolve } from 'node:path';
import { readCheckpoint, type TensorData } from './checkpoint/index.js';
import {
  type Config,
  configToYaml,
  type LoadConfigOptions,
  loadConfig,
  modelLabel,
  parseConfig,
} from './config/index.js';
import { Cifar10Error } from './errors.js';
import { withLock } from './lock.js';
import type { NamedTensor, TrainingState } from './native-addon.js';
import {
  canResume,
  findRun,
  LAST_FILE,
  RunFolder,
  type RunRecord,
  RunRecorder,
  readRecord,
  statusOf,
} from './runs/index.js';
import { VERSION } from './version.js';

export interface PlanOptions extends LoadConfigOptions {
  /**
   * A run that was stopped: `latest`, an id, its folder, or the checkpoint in it. It goes on with its own configuration,
   * so that no config and no override may be given.
   */
  resume?: string | undefined;
  /** The folder of the run, which must not be there yet. Default: `<output_dir>/<date>/<time>`. */
  runDir?: string | undefined;
}

export interface TrainingPlan {
  readonly config: Config;
  /** Null for a new run. */
  readonly state: TrainingState | null;
  /** Seconds that the run took before. */
  readonly earlierSeconds: number;
  /** Makes or reopens the folder of the run and begins to record. */
  openRun(): Promise<{ folder: RunFolder; recorder: RunRecorder }>;
}

/**
 * Errors: `CONFIG_*`; for a run to resume `RUN_NOT_FOUND`, `RUN_NOT_RESUMABLE`, `RUN_INVALID`, `CHECKPOINT_INVALID`,
 * `INVALID_ARGUMENT`.
 */
export async function planTraining(options: PlanOptions): Promise<TrainingPlan> {
  const { resume, overrides = [], runDir } = options;
  if (resume === undefined) return planNewRun({ config: loadConfig(options), overrides, runDir });
  if (options.config === undefined && overrides.length === 0) return planResumption(resume, options);
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'a run that goes on keeps its configuration',
    expected: 'neither a config nor overrides beside "resume"',
    found: options.config === undefined ? overrides.join(' ') : 'a config',
    nextStep: 'leave them out, or begin a new run with them',
  });
}

export interface NewRun {
  readonly config: Config;
  /** As they were given, for the record. */
  readonly overrides: readonly string[];
  readonly runDir?: string | undefined;
}

/** The plan of a run whose configuration is settled. */
export function planNewRun({ config, overrides, runDir }: NewRun): TrainingPlan {
  const openRun = async () => {
    const folder = await (runDir === undefined
      ? RunFolder.createDated(config.outputDir)
      : RunFolder.create(runDir));
    const { seed, epochs } = config.training;
    const plan = {
      model: modelLabel(config.model),
      seed,
      epochs,
      overrides: [...overrides],
      version: VERSION,
    };
    try {
      return {
        folder,
        recorder: await RunRecorder.begin(folder, { ...plan, configYaml: configToYaml(config) }),
      };
    } catch (error) {
      await folder.discard();
      throw error;
    }
  };
  return { config, state: null, earlierSeconds: 0, openRun };
}

/** The plan of a run that goes on. */
export async function planResumption(name: string, options: LoadConfigOptions = {}): Promise<TrainingPlan> {
  const { runDir, record } = await findStoppedRun(name, options);
  const { tensors, extra, meta } = await readCheckpoint(join(runDir, LAST_FILE));
  const { progress } = meta;
  if (progress === undefined)
    throw notResumable(runDir, `"${LAST_FILE}" with the state of its training`, 'one without');
  const state = { ...progress, model: toNamed(tensors), extra: toNamed(extra) };
  const openRun = async () => {
    const folder = RunFolder.reopen(runDir);
    // Two processes may have come so far with the same run: one of them says that it is running, the other sees it.
    return withLock(folder.pathOf('run'), async () => {
      const now = await readResumable(runDir);
      if (now.endedAt !== record.endedAt)
        throw notResumable(runDir, 'the run as it was', 'that it went on meanwhile');
      return { folder, recorder: await RunRecorder.resume(folder, now, progress.step) };
    });
  };
  return { config: parseConfig(meta.config), state, earlierSeconds: record.durationSeconds, openRun };
}

async function findStoppedRun(
  name: string,
  options: LoadConfigOptions,
): Promise<{ runDir: string; record: RunRecord }> {
  // Ids are looked up in the output folder of the default configuration.
  const outputDir = loadConfig({
    configDir: options.configDir,
    env: options.env,
    now: options.now,
  }).outputDir;
  const isFile = basename(name) === LAST_FILE;
  const { runDir } = isFile ? { runDir: dirname(resolve(name)) } : await findRun(outputDir, name);
  return { runDir, record: await readResumable(runDir) };
}

/** Errors: `RUN_NOT_RESUMABLE`, `RUN_INVALID`. */
async function readResumable(runDir: string): Promise<RunRecord> {
  const record = await readRecord(runDir);
  if (record === undefined) throw notResumable(runDir, 'the folder of a run', 'no run.json in it');
  const status = statusOf(record);
  if (canResume({ runDir, status, error: record.error })) return record;
  const isOver = status === 'finished' || status === 'running';
  if (record.error?.code === 'TRAINING_DIVERGED')
    throw notResumable(runDir, 'a run that was stopped', 'one that diverged and would do so again');
  throw isOver
    ? notResumable(runDir, 'a run that was stopped', `one that is ${status}`)
    : notResumable(runDir, `"${LAST_FILE}", which a stopped run leaves`, `a run that ${status}, without it`);
}

function notResumable(runDir: string, expected: string, found: string): Cifar10Error {
  return new Cifar10Error('RUN_NOT_RESUMABLE', {
    what: `the run in "${runDir}" cannot go on`,
    expected,
    found,
    nextStep: 'name another run (`npx cifar10-torch runs` lists them), or begin a new one',
  });
}

function toNamed(tensors: ReadonlyMap<string, TensorData>): NamedTensor[] {
  return [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
}
