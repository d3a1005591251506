// Owns the answer to "which files hold the dataset": where they lie and that every byte of them is right.
// Must not fetch anything.
import { access, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { cacheRoot } from '../cache.js';
import { AbortError, Cifar10Error } from '../errors.js';
import { PACKAGE_ROOT } from '../package-root.js';
import { type BatchTable, CIFAR10, filesOf, recordCount, SAMPLE } from './facts.js';
import { type FileFault, findFault } from './verify.js';

/**
 * The files of a dataset, in CIFAR-10's binary form: records of 1 byte for the label and 3,072 bytes for the pixels,
 * the planes of R, G and B, each 32x32 and row-major.
 *
 * @category Dataset
 */
export interface DatasetFiles {
  /** Absolute paths of the files of train images. */
  train: string[];
  /** Absolute paths of the files of test images. */
  test: string[];
  /** How many train images there are. */
  trainCount: number;
  /** How many test images there are. */
  testCount: number;
}

export interface ResolveOptions {
  source: 'cifar10' | 'sample';
  /** Holds the six .bin files, itself or in `cifar-10-batches-bin`; null: the cache folder. */
  dataDir: string | null;
  signal?: AbortSignal | undefined;
}

const SAMPLE_FOLDER = join(PACKAGE_ROOT, 'lib', 'dataset', 'sample');
const ARCHIVE_FOLDER = 'cifar-10-batches-bin';
const PICKLE_NAMES = new Set(['cifar-10-batches-py', 'data_batch_1', 'test_batch', 'batches.meta']);

/**
 * Absolute path of the folder that a download fills: `dataDir`, else `cifar10` in the cache folder.
 */
export function datasetFolder(dataDir?: string | null): string {
  if (dataDir) return resolve(dataDir);
  return join(cacheRoot(), 'cifar10');
}

/**
 * Finds the dataset and verifies the size and the checksum of every file.
 * Errors: `DATASET_NOT_FOUND`, `DATASET_CORRUPT`, `ABORTED`.
 */
export async function resolveDataset(options: ResolveOptions): Promise<DatasetFiles> {
  return options.source === 'sample'
    ? verified(SAMPLE_FOLDER, SAMPLE, 'reinstall the package: its embedded sample is damaged', options.signal)
    : resolveFolder(options.dataDir, CIFAR10, options.signal);
}

/** `resolveDataset` for a folder whose files are those of `table`. */
export async function resolveFolder(
  dataDir: string | null,
  table: BatchTable,
  signal?: AbortSignal,
): Promise<DatasetFiles> {
  const command = `npx cifar10-torch download${dataDir ? ` --data-dir "${dataDir}"` : ''}`;
  return verified(await locateFolder(dataDir, table), table, `run \`${command}\``, signal);
}

/** The folder that has the files of `table`, or the one where they belong if none is there. */
export async function locateFolder(dataDir: string | null | undefined, table: BatchTable): Promise<string> {
  const folder = datasetFolder(dataDir);
  for (const candidate of [folder, join(folder, ARCHIVE_FOLDER)])
    for (const { name } of filesOf(table)) if (await exists(join(candidate, name))) return candidate;
  return folder;
}

/** Absolute paths and counts of the files of `table` in `folder`; checks nothing. */
export function describeFiles(folder: string, table: BatchTable): DatasetFiles {
  return {
    train: table.train.map(({ name }) => join(folder, name)),
    test: table.test.map(({ name }) => join(folder, name)),
    trainCount: recordCount(table.train),
    testCount: recordCount(table.test),
  };
}

async function verified(
  folder: string,
  table: BatchTable,
  nextStep: string,
  signal?: AbortSignal,
): Promise<DatasetFiles> {
  try {
    signal?.throwIfAborted();
    const fault = await findFault(folder, table, { signal });
    if (fault) throw await faultError(fault, folder, nextStep);
  } catch (error) {
    if (signal?.aborted) throw new AbortError('the check of the dataset was stopped', signal.reason);
    throw error;
  }
  return describeFiles(folder, table);
}

async function faultError(fault: FileFault, folder: string, nextStep: string): Promise<Cifar10Error> {
  const { path, isMissing, expected } = fault;
  if (!isMissing)
    return new Cifar10Error('DATASET_CORRUPT', {
      what: `dataset file "${path}" is damaged`,
      expected,
      found: fault.found,
      nextStep,
    });
  const found = (await holdsPickles(folder))
    ? "Python's pickle files, which are not read because a pickle can run code"
    : fault.found;
  return new Cifar10Error('DATASET_NOT_FOUND', {
    what: `dataset file "${path}" cannot be opened`,
    expected,
    found,
    nextStep,
  });
}

async function holdsPickles(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => PICKLE_NAMES.has(name));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
