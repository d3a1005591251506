// Owns one question: which folder must be looked at for a path that is only made by the first write to it?
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** The path itself or the nearest one above it that exists. */
export function nearestExisting(path: string): string {
  let existing = path;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}
