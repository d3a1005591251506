// Owns finding runs below an output folder, and naming them. Must not write anything.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { Cifar10Error, systemCode } from '../errors.js';
import { LAST_FILE } from './run-files.js';
import { RECORD_FILE, type RunRecord, type RunStatus, readRecord, statusOf } from './run-record.js';

/**
 * A run as it is found on the disk.
 *
 * @category Runs
 */
export interface RunInfo extends Omit<RunRecord, 'status' | 'formatVersion' | 'process'> {
  /**
   * Its folder, relative to the output folder: `2026-01-31/09-05-00`, `multirun/2026-01-31/09-05-00/0`. Of one
   * elsewhere, its path.
   */
  id: string;
  /** Absolute path of its folder. */
  runDir: string;
  /** As `run.json` has it, but for one that has crashed. */
  status: RunStatus;
}

/**
 * Whether `train` can go on with a run as it is: its state is there, nobody is at it, and it would not end as it has: a
 * training repeats itself bit for bit, so that one that has diverged does so again.
 */
export function canResume({ runDir, status, error }: Pick<RunInfo, 'runDir' | 'status' | 'error'>): boolean {
  const isOver = status === 'finished' || status === 'running' || error?.code === 'TRAINING_DIVERGED';
  return !isOver && existsSync(join(runDir, LAST_FILE));
}

/** Dated folders, and those of sweeps with a folder for each job. */
const MAX_DEPTH = 5;

/**
 * The runs below the folder and in the sweeps there, the oldest first. A record that cannot be read is passed over,
 * with a call of `onMessage`. A folder that does not exist has no runs.
 *
 * @category Runs
 */
export async function listRuns(
  outputDir: string,
  onMessage: (message: string) => void = () => {},
): Promise<RunInfo[]> {
  const root = resolve(outputDir);
  const runs: RunInfo[] = [];
  for (const folder of await findFolders(root, MAX_DEPTH)) {
    try {
      const record = await readRecord(folder);
      if (record) runs.push(describe(root, folder, record));
    } catch (error) {
      onMessage((error as Error).message);
    }
  }
  return runs.sort((a, b) => a.startedAt.localeCompare(b.startedAt) || a.id.localeCompare(b.id));
}

/**
 * The run of that name: `latest`, an id, the end of an id (`09-05-00`), or a path.
 * Errors: `RUN_NOT_FOUND`, also where several runs have the name; `RUN_INVALID`.
 *
 * @category Runs
 */
export async function findRun(outputDir: string, name: string): Promise<RunInfo> {
  const folder = resolve(name);
  const record = name === 'latest' ? undefined : await readRecord(folder);
  if (record !== undefined) return describe(resolve(outputDir), folder, record);
  const runs = await listRuns(outputDir);
  const matches = name === 'latest' ? runs.slice(-1) : matching(runs, name);
  const [run, ...others] = matches;
  if (run !== undefined && others.length === 0) return run;
  throw notFound(outputDir, name, matches.length > 0 ? matches : runs, matches.length > 0);
}

function matching(runs: readonly RunInfo[], name: string): readonly RunInfo[] {
  const exact = runs.filter(({ id }) => id === name);
  return exact.length > 0 ? exact : runs.filter(({ id }) => id.endsWith(`/${name}`));
}

function notFound(
  outputDir: string,
  name: string,
  runs: readonly RunInfo[],
  isAmbiguous: boolean,
): Cifar10Error {
  const ids = runs.map(({ id }) => id);
  const nearest = ids.length === 0 ? undefined : closest(name, ids);
  return new Cifar10Error('RUN_NOT_FOUND', {
    what: isAmbiguous ? `"${name}" names several runs` : `there is no run "${name}" in "${outputDir}"`,
    expected: isAmbiguous ? `one of ${ids.join(', ')}` : 'latest, an id or the path of a run folder',
    found: `"${name}"`,
    nextStep:
      nearest === undefined
        ? 'check the folder, or train a model first'
        : `use the nearest, "${nearest}", or see \`npx cifar10-torch runs\``,
  });
}

async function findFolders(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error) ?? '')) return [];
    throw error;
  });
  if (entries.some((entry) => entry.name === RECORD_FILE)) return [folder];
  const folders = entries.filter((entry) => entry.isDirectory() && depth > 1);
  const below = await Promise.all(folders.map((entry) => findFolders(join(folder, entry.name), depth - 1)));
  return below.flat();
}

function describe(root: string, folder: string, record: RunRecord): RunInfo {
  const { status: _status, formatVersion: _version, process: _process, ...rest } = record;
  const path = relative(root, folder);
  const isBelow = path !== '' && !path.startsWith('..');
  return {
    id: isBelow ? path.split(sep).join('/') : folder,
    runDir: folder,
    status: statusOf(record),
    ...rest,
  };
}
