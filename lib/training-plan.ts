// Owns what a call of `train` is to do: a new run from a configuration, or one that was stopped, from its folder.
// Must not run anything.
import { existsSync } from 'node:fs';
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
import type { NamedTensor, TrainingState } from './native-addon.js';
import {
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
  /** The folder of the run. Default: `<output_dir>/<date>/<time>`. */
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
  return options.resume === undefined ? planNewRun(options) : planResumption(options.resume, options);
}

/** The configuration that `train` given the same options would use. Errors: those of `planTraining`. */
export async function trainingConfig(options: PlanOptions): Promise<Config> {
  return (await planTraining(options)).config;
}

function planNewRun(options: PlanOptions): TrainingPlan {
  const config = loadConfig(options);
  const { runDir, overrides = [] } = options;
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

async function planResumption(name: string, options: PlanOptions): Promise<TrainingPlan> {
  if (options.config !== undefined || (options.overrides?.length ?? 0) > 0)
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: 'a run that goes on keeps its configuration',
      expected: '"resume" alone',
      found: 'a config or overrides beside it',
      nextStep: 'leave them out, or begin a new run with them',
    });
  const { runDir, record } = await findStoppedRun(name, options);
  const { tensors, optimizer, meta } = await readCheckpoint(join(runDir, LAST_FILE));
  const { progress } = meta;
  if (progress === undefined)
    throw notResumable(runDir, `"${LAST_FILE}" with the state of its training`, 'one without');
  const state = { ...progress, model: toNamed(tensors), optimizer: toNamed(optimizer) };
  const openRun = async () => {
    const folder = RunFolder.reopen(runDir);
    return { folder, recorder: await RunRecorder.resume(folder, record, progress.step) };
  };
  return { config: parseConfig(meta.config), state, earlierSeconds: record.durationSeconds, openRun };
}

async function findStoppedRun(
  name: string,
  options: PlanOptions,
): Promise<{ runDir: string; record: RunRecord }> {
  // Ids are looked up in the output folder of the default configuration.
  const outputDir = loadConfig({
    configDir: options.configDir,
    env: options.env,
    now: options.now,
  }).outputDir;
  const isFile = basename(name) === LAST_FILE;
  const { runDir } = isFile ? { runDir: dirname(resolve(name)) } : await findRun(outputDir, name);
  const record = await readRecord(runDir);
  if (record === undefined) throw notResumable(runDir, 'the folder of a run', 'no run.json in it');
  const status = statusOf(record);
  const isOver = status === 'finished' || status === 'running';
  if (isOver) throw notResumable(runDir, 'a run that was stopped', `one that is ${status}`);
  if (!existsSync(join(runDir, LAST_FILE)))
    throw notResumable(
      runDir,
      `"${LAST_FILE}", which a stopped run leaves`,
      `a run that ${status}, without it`,
    );
  return { runDir, record };
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
