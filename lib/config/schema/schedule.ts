// Owns the keys of `training.schedule`.
import { z } from 'zod';
import { fraction, list, MAP, notNegative, oneOf, positive, variantMessage } from './primitives.js';

const warmup = {
  warmup_fraction: fraction.describe('share of the steps in which the lr rises linearly to its peak'),
};
const final_fraction = fraction.describe('lr at the end, as a share of its peak');
const rise = {
  start_fraction: fraction.describe('lr at the first step, as a share of its peak'),
  peak_fraction: fraction.describe('share of the steps up to the peak'),
  final_fraction,
};
const gamma = fraction.describe('factor of each drop');
const rising = 'a list of epochs in rising order';

export const schedule = z.discriminatedUnion(
  'name',
  [
    z.strictObject({ name: z.literal('constant', 'constant').describe('shape'), ...warmup }),
    z.strictObject({ name: z.literal('linear', 'linear').describe('shape'), ...warmup, final_fraction }),
    z.strictObject({ name: z.literal('cosine', 'cosine').describe('shape'), ...warmup, final_fraction }),
    z.strictObject({
      name: z.literal('step', 'step').describe('shape'),
      ...warmup,
      step_epochs: positive.describe('epochs between two drops'),
      gamma,
    }),
    z.strictObject({
      name: z.literal('multi_step', 'multi_step').describe('shape'),
      ...warmup,
      milestones: list(notNegative, 1, 100)
        .refine((epochs) => epochs.every((epoch, i) => i === 0 || epoch > (epochs[i - 1] as number)), rising)
        .describe('epochs of the drops'),
      gamma,
    }),
    z.strictObject({
      name: z.literal('one_cycle', 'one_cycle').describe('shape'),
      ...rise,
      anneal: oneOf('cosine', 'linear').describe('curve of rise and fall'),
    }),
    z.strictObject({ name: z.literal('triangular', 'triangular').describe('shape'), ...rise }),
  ],
  {
    error: variantMessage('constant, linear, cosine, step, multi_step, one_cycle, triangular', MAP),
  },
);
