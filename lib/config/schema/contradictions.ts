// Owns the rules between keys: each names the key to change and what it may be beside the others.
// Must not know the range of a single key.
import type { z } from 'zod';
import type { dataLoading } from './data-loading.js';
import type { model } from './model.js';
import type { training } from './training.js';

interface Parts {
  data_loading: z.infer<typeof dataLoading>;
  model: z.infer<typeof model>;
  training: z.infer<typeof training>;
}

interface Rule {
  path: string[];
  /** What the key may be, as the reader of an error sees it after "expected". */
  expected: string;
  holds: (config: Parts) => boolean;
}

const hasValidation = ({ data_loading }: Parts) => data_loading.validation !== 'none';
const NEEDS_VALIDATION =
  'where data_loading.validation holds images out: the test set never selects anything';

const mixesLabels = ({ data_loading: { augmentation } }: Parts) =>
  augmentation.mixup_alpha > 0 || augmentation.cutmix_alpha > 0;

export const RULES: readonly Rule[] = [
  {
    // With undivided logits the summed loss of a large batch throws the weights far off in one step: no net learns.
    path: ['training', 'loss_reduction'],
    expected:
      'mean for every model but fast, which divides its logits (pick "training=muon" or "training=standard")',
    holds: ({ training: { loss_reduction }, model: { name } }) =>
      loss_reduction === 'mean' || name === 'fast',
  },
  {
    path: ['training', 'select'],
    expected: `last; the best epoch only ${NEEDS_VALIDATION}`,
    holds: (config) => config.training.select === 'last' || hasValidation(config),
  },
  {
    path: ['training', 'early_stopping', 'monitor'],
    expected: `none, train_loss or train_accuracy; a val figure only ${NEEDS_VALIDATION}`,
    holds: (config) => !config.training.early_stopping.monitor.startsWith('val_') || hasValidation(config),
  },
  {
    path: ['training', 'early_stopping', 'monitor'],
    expected: 'another figure beside mixup or cutmix, which leave no image with one label to be right about',
    holds: (config) => config.training.early_stopping.monitor !== 'train_accuracy' || !mixesLabels(config),
  },
  {
    path: ['training', 'accumulation_steps'],
    expected: 'a number that divides data_loading.batch_size',
    holds: ({ training, data_loading }) => data_loading.batch_size % training.accumulation_steps === 0,
  },
  {
    path: ['training', 'optimizer', 'nesterov'],
    expected: 'false without momentum: there is no step to look ahead by',
    holds: ({ training: { optimizer } }) =>
      optimizer.name !== 'sgd' || !optimizer.nesterov || optimizer.momentum > 0,
  },
  {
    path: ['training', 'lookahead', 'power'],
    expected:
      'above 0 beside a decay of 1: the slow weights would never move, and the training end where it began',
    holds: ({ training: { lookahead } }) =>
      lookahead.steps === null || lookahead.decay < 1 || lookahead.power > 0,
  },
];
