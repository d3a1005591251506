// Owns the whole configuration: types and ranges of every key, each with its expectation in words. The zod message
// of a value is what the reader of an error sees after "expected", its description what `config keys` tells.
// No defaults here: they live in conf/.
import { z } from 'zod';
import { RULES } from './contradictions.js';
import { dataLoading } from './data-loading.js';
import { model } from './model.js';
import { path } from './primitives.js';
import { training } from './training.js';

/** The whole configuration with the names it has in YAML. */
export const configSchema = z
  .strictObject({
    data_loading: dataLoading.describe('images, batches, augmentation'),
    model: model.describe('the net'),
    training: training.describe('optimizer, schedule, length, arithmetic'),
    output_dir: path.describe('a run writes to <output_dir>/<date>/<time>'),
  })
  .superRefine((config, context) => {
    for (const { path, expected, holds } of RULES)
      if (!holds(config)) context.addIssue({ code: 'custom', path, message: expected });
  });

export type SnakeConfig = z.infer<typeof configSchema>;

/** The maps whose `name` decides which other keys they have. */
export const VARIANT_PATHS: ReadonlySet<string> = new Set([
  'model',
  'training.optimizer',
  'training.schedule',
  'data_loading.augmentation.policy',
]);
