// Owns the check of CIFAR-10 in the cache folder, by the sizes of its files only so that it takes no time.
// Must not read the files: each training verifies their checksums anyway.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CIFAR10, datasetFolder, filesOf, locateFolder } from '../dataset/index.js';
import { systemCode } from '../errors.js';
import type { Finding } from './check.js';

const DOWNLOAD = 'run `npx cifar10-torch download`';

interface DatasetFile {
  name: string;
  expectedBytes: number;
  /** null: no such file. */
  foundBytes: number | null;
}

export async function checkDataset(): Promise<Finding> {
  const folder = await locateFolder(null, CIFAR10);
  const files = await Promise.all(
    filesOf(CIFAR10).map(async ({ name, sizeBytes }) => ({
      name,
      expectedBytes: sizeBytes,
      foundBytes: await fileSize(join(folder, name)),
    })),
  );
  return judge(folder, files);
}

/** A dataset that is not there yet is no fault; one that a training would refuse is. */
function judge(folder: string, files: readonly DatasetFile[]): Finding {
  const missing = files.filter(({ foundBytes }) => foundBytes === null);
  const wrong = files.filter(
    ({ foundBytes, expectedBytes }) => (foundBytes ?? expectedBytes) !== expectedBytes,
  );
  const describe = (state: string) => ({ folder, state, files });
  if (missing.length === files.length)
    return {
      status: 'warning',
      found: `CIFAR-10 is not in ${datasetFolder()}`,
      nextStep: DOWNLOAD,
      details: describe('missing'),
    };
  const faults = [
    ...wrong.map((file) => `${file.name} has ${file.foundBytes} bytes instead of ${file.expectedBytes}`),
    ...missing.map(({ name }) => `${name} is missing`),
  ];
  if (faults.length > 0)
    return {
      status: 'failure',
      found: `CIFAR-10 in ${folder} is broken: ${faults.join('; ')}`,
      nextStep: DOWNLOAD,
      details: describe('broken'),
    };
  return { status: 'ok', found: `CIFAR-10, all sizes right, in ${folder}`, details: describe('present') };
}

/** What is no plain file counts as empty: it is in the way. */
async function fileSize(path: string): Promise<number | null> {
  try {
    const status = await stat(path);
    return status.isFile() ? status.size : 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw error;
  }
}
