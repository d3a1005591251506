// Owns the differences of two runs: settings and figures. Must not write anything.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { Cifar10Error, errorMessage } from '../errors.js';
import { flatten } from '../flatten.js';
import type { RunInfo } from './list-runs.js';
import { CONFIG_FILE } from './run-files.js';

/**
 * A setting or a figure of two runs.
 *
 * @category Runs
 */
export interface Difference {
  /** The key of the configuration, or the name of the figure. */
  key: string;
  /** Of the first run: a setting, undefined where it does not have the key; a figure, null where it has none. */
  a: unknown;
  /** Of the second run, likewise. */
  b: unknown;
}

/**
 * What two runs differ in, and what they reached.
 *
 * @category Runs
 */
export interface RunComparison {
  /** Keys of the resolved configurations whose values differ, as YAML spells them. */
  config: Difference[];
  /** `accuracy`, `ttaAccuracy`, `crossEntropy`, `valAccuracy`, `durationSeconds`, `imagesPerSecond`, whether they differ or not. */
  metrics: Difference[];
}

/**
 * Compares two runs. Errors: `RUN_INVALID` for a configuration that cannot be read.
 *
 * @category Runs
 */
export async function compareRuns(a: RunInfo, b: RunInfo): Promise<RunComparison> {
  const [configA, configB] = [await readFlatConfig(a), await readFlatConfig(b)];
  const keys = [...new Set([...configA.keys(), ...configB.keys()])];
  const config = keys
    .map((key) => ({ key, a: configA.get(key), b: configB.get(key) }))
    .filter((difference) => JSON.stringify(difference.a) !== JSON.stringify(difference.b));
  const figures = [figuresOf(a), figuresOf(b)] as const;
  const metrics = Object.keys(figures[0]).map((key) => ({ key, a: figures[0][key], b: figures[1][key] }));
  return { config, metrics };
}

function figuresOf({ test, val, durationSeconds, imagesPerSecond }: RunInfo): Record<string, number | null> {
  return {
    accuracy: test?.accuracy ?? null,
    ttaAccuracy: test?.ttaAccuracy ?? null,
    crossEntropy: test?.crossEntropy ?? null,
    valAccuracy: val?.accuracy ?? null,
    durationSeconds,
    imagesPerSecond,
  };
}

async function readFlatConfig({ runDir }: RunInfo): Promise<Map<string, unknown>> {
  const path = join(runDir, CONFIG_FILE);
  try {
    return new Map(flatten(parse(await readFile(path, 'utf8'))));
  } catch (error) {
    throw new Cifar10Error('RUN_INVALID', {
      what: `the configuration of the run, "${path}", cannot be read`,
      found: errorMessage(error),
      nextStep: 'name a run whose folder is whole',
      cause: error,
    });
  }
}
