// Owns how overrides with several values become the jobs of a sweep. Must not compose or run them.
import { Cifar10Error } from '../../errors.js';
import { parseOverride } from './override.js';

const MAX_JOBS = 10_000;

/**
 * The overrides of each job: the cartesian product of all sweeps, the last one varying fastest, as Hydra's basic
 * sweeper orders it. Without a sweep there is one job. Errors: `CONFIG_INVALID_OVERRIDE`.
 */
export function expandSweep(texts: readonly string[]): string[][] {
  const values = texts.map(valuesOf);
  const count = values.reduce((product, { length }) => product * length, 1);
  if (count > MAX_JOBS)
    throw new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
      what: 'the sweep has too many jobs',
      expected: `at most ${MAX_JOBS}`,
      found: String(count),
      nextStep: 'sweep over fewer values',
    });
  return values.reduce<string[][]>(
    (jobs, choices) => jobs.flatMap((job) => choices.map((text) => [...job, text])),
    [[]],
  );
}

/** The override once for each of its values. */
function valuesOf(text: string): string[] {
  const { value } = parseOverride(text);
  if (value?.kind !== 'sweep') return [text];
  const head = text.slice(0, text.indexOf('=') + 1);
  return value.choices.map((choice) => `${head}${choice.text}`);
}
