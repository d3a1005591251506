// Owns the forms that `infer --output` writes records in: JSON lines or CSV, by the file's extension. Must not write.
import { extname } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { Cifar10Error } from '../lib/errors.js';
import type { InferRecord } from '../lib/index.js';

/** Texts that follow each other in the file. */
export interface RecordFormat {
  /** What stands before the first record. */
  readonly head: string;
  readonly write: (records: readonly InferRecord[]) => string;
}

const CSV_COLUMNS = ['file', 'label', 'probability', 'error_code', 'error_message'];

const JSON_LINES: RecordFormat = {
  head: '',
  write: (records) => records.map((record) => `${JSON.stringify(record)}\n`).join(''),
};

function csv(isLabelled: boolean): RecordFormat {
  const columns = isLabelled ? [...CSV_COLUMNS, 'true_label'] : CSV_COLUMNS;
  return {
    head: stringify([columns]),
    write: (records) => stringify(records.map((record) => toRow(record).slice(0, columns.length))),
  };
}

const FORMATS: Record<string, (isLabelled: boolean) => RecordFormat> = {
  '.jsonl': () => JSON_LINES,
  '.csv': csv,
};

/** The format that the extension asks for; `isLabelled`: with the true classes. Errors: `USAGE`. */
export function formatOfFile(path: string, isLabelled: boolean): RecordFormat {
  const extension = extname(path).toLowerCase();
  const format = FORMATS[extension];
  if (format) return format(isLabelled);
  throw new Cifar10Error('USAGE', {
    what: `--output "${path}" has no known format`,
    expected: `a file named ${Object.keys(FORMATS).join(' or ')}`,
    found: extension === '' ? 'no extension' : extension,
    nextStep: 'rename the output file',
  });
}

function toRow(record: InferRecord): unknown[] {
  const { file, trueLabel = '' } = record;
  return 'error' in record
    ? [file, '', '', record.error.code, record.error.message, trueLabel]
    : [file, record.label, record.probability, '', '', trueLabel];
}
