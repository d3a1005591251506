// Files of records that are damaged, given to the core itself: the TypeScript layer, which compares checksums first, would
// never let them come this far.
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../lib/config/index.js';
import { loadNative } from '../../lib/native.js';
import { RECORD_BYTES, temporaryFolder } from '../support.js';

const { dataLoading } = loadConfig({ overrides: ['data_loading=sample', 'data_loading.batch_size=10'] });

/** Twenty records whose second one has this label. */
function records(label: number): Buffer {
  const bytes = Buffer.alloc(20 * RECORD_BYTES);
  bytes.writeUInt8(label, RECORD_BYTES);
  return bytes;
}

const readsFile = (path: string) =>
  loadNative().trainBatch({ files: [path], dataLoading, seed: 0, epoch: 0, index: 0 });

test('a label of 9 is read', () => {
  const path = join(temporaryFolder(), 'records.bin');
  writeFileSync(path, records(9));
  expect(readsFile(path).labels).toHaveLength(10);
});

test.each<[string, (path: string) => void, string, RegExp]>([
  ['a label of 10', (path) => writeFileSync(path, records(10)), 'DATASET_CORRUPT', /labels 0 to 9, found 10/],
  ['a label of 255', (path) => writeFileSync(path, records(255)), 'DATASET_CORRUPT', /found 255/],
  ['no bytes', (path) => writeFileSync(path, ''), 'DATASET_CORRUPT', /multiple of 3073 bytes, found 0/],
  ['a byte too few', (path) => writeFileSync(path, records(0).subarray(1)), 'DATASET_CORRUPT', /found 61459/],
  [
    'a byte too many',
    (path) => writeFileSync(path, Buffer.alloc(RECORD_BYTES + 1)),
    'DATASET_CORRUPT',
    /3074/,
  ],
  ['nothing at its name', () => {}, 'DATASET_NOT_FOUND', /No such file/],
  ['a folder at its name', (path) => mkdirSync(path), 'DATASET_NOT_FOUND', /records\.bin/],
  [
    'more than fits into memory',
    (path) => {
      writeFileSync(path, '');
      truncateSync(path, RECORD_BYTES * 2 ** 31);
    },
    'OUT_OF_MEMORY',
    /./,
  ],
])('%s is refused by code', (_, write, code, message) => {
  const path = join(temporaryFolder(), 'records.bin');
  write(path);
  const error = expect.objectContaining({ code, message: expect.stringMatching(message) });
  expect(() => readsFile(path)).toThrow(error);
});
