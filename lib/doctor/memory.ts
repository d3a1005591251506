// Owns the check of the memory that this process may use. Must not measure what is free at the moment.
import { totalmem } from 'node:os';
import type { Finding } from './check.js';
import { GIB, gib } from './units.js';

const ENOUGH_BYTES = 4 * GIB; // the default recipe peaks below

export function checkMemory(): Finding {
  // In a container the limit of the control group counts; 0 and huge values mean none.
  const limit = process.constrainedMemory();
  const sizeBytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  const details = { sizeBytes };
  if (sizeBytes >= ENOUGH_BYTES) return { status: 'ok', found: gib(sizeBytes), details };
  const nextStep = 'train with a lower `data_loading.batch_size`';
  return { status: 'warning', found: gib(sizeBytes), nextStep, details };
}
