// Owns the keys of the group `model`.
import { z } from 'zod';
import {
  channels,
  groupMap,
  integer,
  list,
  MAP,
  notNegative,
  positive,
  variantMessage,
} from './primitives.js';

const observationWeight = 'a number above 0 and at most 1';
const batchNorm = z.strictObject(
  {
    momentum: z
      .number(observationWeight)
      .positive(observationWeight)
      .max(1, observationWeight)
      .describe('weight of the new observation, as in PyTorch'),
    epsilon: positive.describe('added to the variance'),
  },
  MAP,
);

const whitening = z.strictObject(
  {
    images: integer(1, 50_000).describe('train images whose patches give the filters'),
    epsilon: positive.describe('added to the eigenvalues'),
    bias_epochs: notNegative.describe('epochs in which the bias is trained, then frozen'),
  },
  MAP,
);

const cifarDepth = '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…)';

/** Each stage of the plain network halves the 32x32 image: the fifth leaves 1x1. */
const MAX_CNN_STAGES = 5;

export const model = z.discriminatedUnion(
  'name',
  [
    z.strictObject({
      name: z.literal('fast', 'fast').describe('architecture'),
      widths: list(channels, 3, 3).describe('channels of the three groups'),
      whitening,
      batch_norm: batchNorm,
      logit_divisor: positive.describe('logits are divided by this'),
    }),
    z.strictObject({
      name: z.literal('cnn', 'cnn').describe('architecture'),
      widths: list(channels, 1, MAX_CNN_STAGES).describe('channels of each stage'),
      convs_per_stage: integer(1, 16).describe('convolutions before each max-pool'),
      batch_norm: batchNorm,
    }),
    z.strictObject({
      name: z.literal('cifar_resnet', 'cifar_resnet').describe('architecture'),
      depth: z
        .int(cifarDepth)
        .refine((depth) => depth >= 8 && depth <= 1202 && depth % 6 === 2, cifarDepth)
        .describe('weight layers'),
      batch_norm: batchNorm,
    }),
    z.strictObject({
      name: z.literal('resnet', 'resnet').describe('architecture'),
      depth: z.literal([18, 34], '18 or 34').describe('weight layers'),
      batch_norm: batchNorm,
    }),
  ],
  { error: variantMessage('fast, cnn, cifar_resnet, resnet', groupMap('model')) },
);
