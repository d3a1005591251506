// Owns what a call of `train` is to do: a new run from a configuration, or one that was stopped, from its folder.
// Must not run anything.
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readCheckpoint, type TensorData, type TrainingProgress } from './checkpoint/index.js';
import {
  type Config,
  configToYaml,
  type LoadConfigOptions,
  listGroups,
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
import { RunCheckpoints } from './run-checkpoints.js';
import {
  BEST_FILE,
  findRun,
  isStateFile,
  LAST_FILE,
  RunFolder,
  type RunPlan,
  type RunRecord,
  RunRecorder,
  readRecord,
  stateFile,
  statusOf,
  stepOfStateFile,
} from './runs/index.js';
import { countStepsPerEpoch } from './schedule.js';
import { settle } from './settle.js';
import { VERSION } from './version.js';

/** Of the best epoch's weights among a state's tensors. */
const BEST_PREFIX = 'best.';

/**
 * The configuration of a new run, or the run to go on with.
 *
 * @category Training
 */
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
  /** Of the newest state in the run's folder once it is open; null for a new run. */
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
    try {
      const { onError } = config.training.checkpoint;
      return { folder, recorder: await RunRecorder.begin(folder, toRecord(config, overrides), onError) };
    } catch (error) {
      await folder.discard();
      throw error;
    }
  };
  return { config, state: null, lastStep: null, earlierSeconds: 0, openRun };
}

/** What the record says of a run before it begins. */
function toRecord(config: Config, overrides: readonly string[]): RunPlan {
  const { seed, epochs } = config.training;
  const { model } = config;
  const configYaml = configToYaml(config);
  return { model: modelLabel(model), seed, epochs, overrides: [...overrides], version: VERSION, configYaml };
}

/** The plan of a run that goes on. */
export async function planResumption(name: string, options: PlanOptions = {}): Promise<TrainingPlan> {
  const { force = false, overrides = [], configDir } = options;
  refuseGroupChoices(overrides, configDir);
  const { runDir, file, record } = await findStoppedRun(name, options);
  const { progress, meta, state } = await readState(runDir, file);
  const before = parseConfig(meta.config);
  assertEpochsEnded(join(runDir, file), progress, countStepsPerEpoch(before.dataLoading));
  const config = overrides.length > 0 ? overrideConfig(before, options) : before;
  const changes = changesSince(meta, settle(config));
  if (changes.length > 0 && !force) throw changed(runDir, changes);
  const isAsItWas = changes.length === 0 && overrides.length === 0;
  const openRun = async () => {
    const folder = RunFolder.reopen(runDir);
    // Two processes may have come so far with the same run: one of them says that it is running, the other sees it.
    return withLock(folder.pathOf('run'), async () => {
      const now = await readResumable(runDir, file, force);
      if (now.endedAt !== record.endedAt)
        throw notResumable(runDir, 'the run as it was', 'that it went on meanwhile');
      const checkpoints = new RunCheckpoints(folder, config);
      // First of all: a process that is killed from here on goes on from this state, with these settings.
      if (file !== LAST_FILE || !isAsItWas) await checkpoints.saveState(state);
      const plan = isAsItWas ? null : toRecord(config, [...record.overrides, ...overrides]);
      const { onError } = config.training.checkpoint;
      const recorder = await RunRecorder.resume(folder, now, { step: progress.step, plan }, onError);
      try {
        for (const change of changes) recorder.log(`forced: ${describeChange(change)}`);
        await removeStatesBehind(folder, progress.step);
        await restoreBest(folder, checkpoints, state, recorder);
      } catch (error) {
        // The record says that it is running: left so, nobody could go on with it.
        await recorder.end('stopped', { checkpoint: LAST_FILE }).catch(() => undefined);
        throw error;
      }
      return { folder, recorder };
    });
  };
  return { config, state, lastStep: progress.step, earlierSeconds: record.durationSeconds, openRun };
}

/** The run's own configuration lies over every option of a group, which would change nothing. */
function refuseGroupChoices(overrides: readonly string[], configDir: string | undefined): void {
  const groups = listGroups(configDir);
  const choice = overrides.find((override) =>
    groups.includes(override.replace(/^(\+\+|\+|~)/, '').split('=', 1)[0] as string),
  );
  if (choice === undefined) return;
  throw new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
    what: 'a run that goes on keeps the options that it was begun with',
    expected: 'single keys, such as training.epochs=10',
    found: choice,
    nextStep: 'give the keys that shall change, or begin a new run',
  });
}

/** Errors: `CHECKPOINT_*`, `RUN_NOT_RESUMABLE`. */
async function readState(runDir: string, file: string) {
  const path = join(runDir, file);
  try {
    const { tensors, extra, meta } = await readCheckpoint(path, (head) =>
      assertOfModel(path, head, loadNative()),
    );
    const { progress } = meta;
    if (progress === undefined)
      throw notResumable(runDir, `"${file}" with the state of its training`, 'one without');
    return { meta, progress, state: { ...progress, model: toNamed(tensors), extra: toNamed(extra) } };
  } catch (error) {
    const isDamaged = error instanceof Cifar10Error && error.code === 'CHECKPOINT_INVALID';
    const earlier = isDamaged ? (await RunFolder.reopen(runDir).list()).filter(isStateFile).sort() : [];
    const newest = earlier.filter((name) => name !== file).at(-1);
    if (newest === undefined) throw error;
    throw new Cifar10Error('CHECKPOINT_INVALID', {
      what: (error as Cifar10Error).message,
      nextStep: `go on from an earlier state, \`npx cifar10-torch train --resume ${join(runDir, newest)}\``,
      cause: error,
    });
  }
}

/** Passes if the best epochs are among those that so many steps make. Errors: `CHECKPOINT_INVALID`. */
function assertEpochsEnded(path: string, progress: TrainingProgress, stepsPerEpoch: number): void {
  const ended = Math.ceil((progress.step - progress.epochTotals.steps) / stepsPerEpoch);
  const { best, stopping } = progress;
  const looks = Math.max(best.epoch + best.staleLooks, stopping.epoch + stopping.staleLooks);
  if (looks <= ended) return;
  throw new Cifar10Error('CHECKPOINT_INVALID', {
    what: `checkpoint "${path}" has impossible progress`,
    expected: `at most ${ended} epochs judged after ${progress.step} steps`,
    found: String(looks),
    nextStep: 'copy the file again, or go on from an earlier state',
  });
}

/** A run that goes on from an earlier state forgets the ones behind it, as it forgets their figures. */
async function removeStatesBehind(folder: RunFolder, step: number): Promise<void> {
  for (const name of await folder.list()) if ((stepOfStateFile(name) ?? 0) > step) await folder.remove(name);
}

/** The best weights as they were with this state; those in the folder may be of an epoch that is going to be repeated. */
async function restoreBest(
  folder: RunFolder,
  checkpoints: RunCheckpoints,
  { best, extra }: TrainingState,
  recorder: RunRecorder,
): Promise<void> {
  if (best.epoch === 0) return folder.remove(BEST_FILE);
  const weights = extra
    .filter(({ name }) => name.startsWith(BEST_PREFIX))
    .map((tensor) => ({ ...tensor, name: tensor.name.slice(BEST_PREFIX.length) }));
  await checkpoints.saveBest({ epoch: best.epoch, weights }, recorder.valAfter(best.epoch));
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
  if (!isState && file.endsWith('.safetensors'))
    throw new Cifar10Error('RUN_NOT_RESUMABLE', {
      what: `"${name}" is not the state of a training by its name`,
      expected: `"${LAST_FILE}" or "${stateFile(1)}" in the folder of its run`,
      found: `"${file}"`,
      nextStep: 'give one of these, the folder, or the id of a run',
    });
  const { runDir } = isState ? { runDir: dirname(resolve(name)) } : await findRun(outputDir, name);
  const chosen = isState ? file : LAST_FILE;
  return { runDir, file: chosen, record: await readResumable(runDir, chosen, options.force ?? false) };
}

/**
 * `force`: also one that diverged, and one that says it is running on a machine of another name, as that of the next
 * container is.
 * Errors: `RUN_NOT_RESUMABLE`, `RUN_INVALID`.
 */
async function readResumable(runDir: string, file: string, force: boolean): Promise<RunRecord> {
  const record = await readRecord(runDir);
  if (record === undefined) throw notResumable(runDir, 'the folder of a run', 'no run.json in it');
  const status = statusOf(record);
  if (status === 'finished') throw notResumable(runDir, 'a run that was stopped', 'one that is finished');
  const isElsewhere = isAlive(record.process) === undefined;
  if (status === 'running' && !(force && isElsewhere)) throw underWay(runDir, record, isElsewhere);
  if (record.error?.code === 'TRAINING_DIVERGED' && !force)
    throw new Cifar10Error('RUN_NOT_RESUMABLE', {
      what: `the run in "${runDir}" diverged, and would do so again`,
      expected: 'a run that was stopped',
      found: record.error.message,
      nextStep: 'go on with other settings, such as a lower training.optimizer.lr, and --force',
    });
  if (existsSync(join(runDir, file))) return record;
  throw notResumable(runDir, `"${file}", which a stopped run leaves`, `a run that ${status}, without it`);
}

function underWay(runDir: string, { process }: RunRecord, isElsewhere: boolean): Cifar10Error {
  return new Cifar10Error('RUN_NOT_RESUMABLE', {
    what: `the run in "${runDir}" ${isElsewhere ? 'may be' : 'is'} under way${isElsewhere ? ' on another machine' : ''}`,
    expected: 'one that was stopped, or has crashed on this machine',
    found: `one that is running, as process ${process.pid} on "${process.host}"`,
    nextStep: isElsewhere
      ? 'if that is gone, go on all the same with --force'
      : 'stop that process, or wait for its end',
  });
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
