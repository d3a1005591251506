// Owns the whole configuration: types and ranges of every key, each with its expectation in words. The zod message
// of a value is what the reader of an error sees after "expected", its description what `config keys` tells.
// No defaults here: they live in conf/.
import { z } from 'zod';
import { dataLoading } from './data-loading.js';
import { model } from './model.js';
import { path } from './primitives.js';
import { runtime, training } from './training.js';

/** With undivided logits the summed loss of a large batch throws the weights far off in one step: no net learns. */
const SUM_NEEDS_DIVIDED_LOGITS =
  'mean for every model but fast, which divides its logits (pick "training=muon" or "training=standard")';

/** The same for a call of the library, where all is optional. */
export const runtimeSchema = z.object(runtime).partial();

/** The whole configuration with the names it has in YAML. */
export const configSchema = z
  .strictObject({
    data_loading: dataLoading.describe('images, batches, augmentation'),
    model: model.describe('the net'),
    training: training.describe('optimizer, schedule, length, arithmetic'),
    output_dir: path.describe('a run writes to <output_dir>/<date>/<time>'),
  })
  .refine((config) => config.training.loss_reduction === 'mean' || config.model.name === 'fast', {
    path: ['training', 'loss_reduction'],
    error: SUM_NEEDS_DIVIDED_LOGITS,
  });

export type SnakeConfig = z.infer<typeof configSchema>;

/** The maps whose `name` decides which other keys they have. */
export const VARIANT_PATHS: ReadonlySet<string> = new Set(['model', 'training.optimizer']);
