// Owns how overrides with several values become the jobs of a sweep. Must not compose or run them.
import { parseOverride } from './override.js';

/**
 * The overrides of each job: the cartesian product of all sweeps, the last one varying fastest, as Hydra's basic
 * sweeper orders it. Without a sweep there is one job. Errors: `CONFIG_INVALID_OVERRIDE`.
 */
export function expandSweep(texts: readonly string[]): string[][] {
  let jobs: string[][] = [[]];
  for (const text of texts) {
    const values = valuesOf(text);
    jobs = jobs.flatMap((job) => values.map((value) => [...job, value]));
  }
  return jobs;
}

/** The override once for each of its values. */
function valuesOf(text: string): string[] {
  const { value } = parseOverride(text);
  if (value?.kind !== 'sweep') return [text];
  const head = text.slice(0, text.indexOf('=') + 1);
  return value.choices.map((choice) => `${head}${choice.text}`);
}
