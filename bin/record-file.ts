// Owns the file that `infer --output` writes: JSON lines or CSV, by its extension, whole or not at all.
import { extname } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { writeFileAtomic } from '../lib/atomic.js';
import { Cifar10Error } from '../lib/errors.js';
import type { InferRecord } from '../lib/index.js';

const CSV_COLUMNS = ['file', 'label', 'probability', 'error_code', 'error_message'];

type Format = (records: readonly InferRecord[]) => string;

const FORMATS: Record<string, Format> = {
  '.jsonl': (records) => records.map((record) => `${JSON.stringify(record)}\n`).join(''),
  '.csv': (records) => stringify(records.map(toRow), { header: true, columns: CSV_COLUMNS }),
};

/** The format that the extension asks for. Errors: `USAGE`. */
export function formatOfFile(path: string): Format {
  const extension = extname(path).toLowerCase();
  const format = FORMATS[extension];
  if (format) return format;
  throw new Cifar10Error('USAGE', {
    what: `--output "${path}" has no known format`,
    expected: `a file named ${Object.keys(FORMATS).join(' or ')}`,
    found: extension === '' ? 'no extension' : extension,
    nextStep: 'rename the output file',
  });
}

/** Writes the records to `path`. Errors: `DISK_FULL`, `NOT_WRITABLE`. */
export async function writeRecords(
  path: string,
  format: Format,
  records: readonly InferRecord[],
): Promise<void> {
  await writeFileAtomic(path, [format(records)]);
}

function toRow(record: InferRecord): unknown[] {
  if ('error' in record) return [record.file, '', '', record.error.code, record.error.message];
  return [record.file, record.label, record.probability, '', ''];
}
