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
  overrideConfig,
  parseConfig,
} from './config/index.js';
import { Cifar10Error } from './errors.js';
import { type Change, changesSince, describeChange } from './exactness.js';
import { withLock } from './lock.js';
import { assertOfModel } from './model.js';
import { loadNative } from './native.js';
import type { NamedTensor, TrainingState } from './native-addon.js';
import { isAlive } from './process-identity.js';
import {
  canResume,
  findRun,
  isStateFile,
  LAST_FILE,
  RunFolder,
  type RunRecord,
  RunRecorder,
  readRecord,
  statusOf,
  stepOfStateFile,
} from './runs/index.js';
import { settle } from './settle.js';
import { VERSION } from './version.js';

export interface PlanOptions extends LoadConfigOptions {
  /**
   * A run that was stopped or has crashed: `latest`, an id, its folder, or a state in it, `last.safetensors` or an earlier
   * one. It goes on with its own configuration; overrides change that.
   */
  resume?: string | undefined;
  /** Go on although settings, versions or the machine have changed what the training comes to. Default: false. */
  force?: boolean | undefined;
  /** The folder of the run, which must not be there yet. Default: `<output_dir>/<date>/<time>`. */
  runDir?: string | undefined;
}

export interface TrainingPlan {
  readonly config: Config;
  /** Null for a new run. */
  readonly state: TrainingState | null;
  /** Of the newest state in the run's folder, where it goes on from that; else null. */
  readonly lastStep: number | null;
  /** Seconds that the run took before. */
  readonly earlierSeconds: number;
  /** Makes or reopens the folder of the run and begins to record. */
  openRun(): Promise<{ folder: RunFolder; recorder: RunRecorder }>;
}

/**
 * Errors: `CONFIG_*`; for a run to resume `RUN_NOT_FOUND`, `RUN_NOT_RESUMABLE`, `RUN_INVALID`, `RUN_CHANGED`, `CHECKPOINT_INVALID`,
 * `INVALID_ARGUMENT`.
 */
export async function planTraining(options: PlanOptions): Promise<TrainingPlan> {
  const { resume, overrides = [], runDir } = options;
  if (resume === undefined) return planNewRun({ config: loadConfig(options), overrides, runDir });
  if (options.config === undefined) return planResumption(resume, options);
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'a run that goes on keeps its configuration',
    expected: 'no config beside "resume"',
    found: 'a config',
    nextStep: 'leave it out, give single overrides, or begin a new run with it',
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
        recorder: await RunRecorder.begin(
          folder,
          { ...plan, configYaml: configToYaml(config) },
          config.training.checkpoint.onError,
        ),
      };
    } catch (error) {
      await folder.discard();
      throw error;
    }
  };
  return { config, state: null, lastStep: null, earlierSeconds: 0, openRun };
}

/** The plan of a run that goes on. */
export async function planResumption(name: string, options: PlanOptions = {}): Promise<TrainingPlan> {
  const { force = false } = options;
  const { runDir, file, record } = await findStoppedRun(name, options);
  const path = join(runDir, file);
  const { tensors, extra, meta } = await readCheckpoint(path, (head) =>
    assertOfModel(path, head, loadNative()),
  );
  const { progress } = meta;
  if (progress === undefined)
    throw notResumable(runDir, `"${file}" with the state of its training`, 'one without');
  const before = parseConfig(meta.config);
  const config = options.overrides?.length ? overrideConfig(before, options) : before;
  const changes = changesSince(meta, settle(config));
  if (changes.length > 0 && !force) throw changed(runDir, changes);
  const state = { ...progress, model: toNamed(tensors), extra: toNamed(extra) };
  const openRun = async () => {
    const folder = RunFolder.reopen(runDir);
    // Two processes may have come so far with the same run: one of them says that it is running, the other sees it.
    return withLock(folder.pathOf('run'), async () => {
      const now = await readResumable(runDir, force);
      if (now.endedAt !== record.endedAt)
        throw notResumable(runDir, 'the run as it was', 'that it went on meanwhile');
      await removeStatesBehind(folder, progress.step);
      const { onError } = config.training.checkpoint;
      const recorder = await RunRecorder.resume(folder, now, progress.step, onError);
      for (const change of changes) recorder.log(`forced: ${describeChange(change)}`);
      return { folder, recorder };
    });
  };
  const lastStep = file === LAST_FILE ? progress.step : null;
  return { config, state, lastStep, earlierSeconds: record.durationSeconds, openRun };
}

/** A run that goes on from an earlier state forgets the ones behind it, as it forgets their figures. */
async function removeStatesBehind(folder: RunFolder, step: number): Promise<void> {
  for (const name of await folder.list()) if ((stepOfStateFile(name) ?? 0) > step) await folder.remove(name);
}

function changed(runDir: string, changes: readonly Change[]): Cifar10Error {
  return new Cifar10Error('RUN_CHANGED', {
    what: `the run in "${runDir}" would not come to what it was going to`,
    expected: 'the settings, the versions and the kind of machine that it was stopped with',
    found: changes.map(describeChange).join('; '),
    nextStep: 'set them as they were, or go on all the same with --force',
  });
}

async function findStoppedRun(
  name: string,
  options: PlanOptions,
): Promise<{ runDir: string; file: string; record: RunRecord }> {
  // Ids are looked up in the output folder of the default configuration.
  const outputDir = loadConfig({
    configDir: options.configDir,
    env: options.env,
    now: options.now,
  }).outputDir;
  const file = basename(name);
  const isState = file === LAST_FILE || isStateFile(file);
  const { runDir } = isState ? { runDir: dirname(resolve(name)) } : await findRun(outputDir, name);
  return {
    runDir,
    file: isState ? file : LAST_FILE,
    record: await readResumable(runDir, options.force ?? false),
  };
}

/**
 * `force`: also one that says it is running on a machine of another name, as that of the next container is.
 * Errors: `RUN_NOT_RESUMABLE`, `RUN_INVALID`.
 */
async function readResumable(runDir: string, force: boolean): Promise<RunRecord> {
  const record = await readRecord(runDir);
  if (record === undefined) throw notResumable(runDir, 'the folder of a run', 'no run.json in it');
  const isElsewhere = isAlive(record.process) === undefined;
  const status = force && isElsewhere && record.status === 'running' ? 'crashed' : statusOf(record);
  if (canResume({ runDir, status, error: record.error })) return record;
  const isOver = status === 'finished' || status === 'running';
  if (record.error?.code === 'TRAINING_DIVERGED')
    throw notResumable(runDir, 'a run that was stopped', 'one that diverged and would do so again');
  if (status === 'running' && isElsewhere)
    throw new Cifar10Error('RUN_NOT_RESUMABLE', {
      what: `the run in "${runDir}" may be under way on another machine`,
      expected: 'one that was stopped, or has crashed on this machine',
      found: `that it says it is running, as process ${record.process.pid} on "${record.process.host}"`,
      nextStep: 'if that is gone, go on all the same with --force',
    });
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
