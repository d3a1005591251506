// Owns the keys of the group `model`.
import { z } from 'zod';
import {
  belowOne,
  channels,
  groupMap,
  integer,
  list,
  MAP,
  MAX_CHANNELS,
  notNegative,
  oneOf,
  positive,
  truth,
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
    bias_init: oneOf('uniform', 'zero').describe('start of the bias: as a PyTorch layer, or 0'),
    bias_epochs: notNegative.describe('epochs in which the bias is trained, then frozen'),
    bias_decays: truth.describe(
      'its lr falls linearly to 0 over these epochs; false: it is that of the other parameters',
    ),
  },
  MAP,
);

/** A depth of `perBlock` weight layers for each block of three stages, and `others` outside of them. */
function stagedDepth(perBlock: number, others: number, max: number, examples: string) {
  const step = 3 * perBlock;
  const min = others + step;
  const expected = `${step}k + ${others} from ${min} to ${max} (${examples})`;
  const isValid = (depth: number) => depth >= min && depth <= max && (depth - others) % step === 0;
  return z
    .int(expected)
    .refine(isValid, {
      error: ({ input }) =>
        `${expected}; nearest: ${nearestDepths(Number(input), step, min, max).join(' and ')}`,
    })
    .describe('weight layers');
}

function nearestDepths(depth: number, step: number, min: number, max: number): number[] {
  const below = min + step * Math.floor((depth - min) / step);
  const inRange = [below, below + step].filter((near) => near >= min && near <= max);
  return inRange.length > 0 ? inRange : [depth < min ? min : max];
}

const imageNetDepth = z.literal([18, 34, 50], '18, 34 or 50').describe('weight layers; 50 has bottlenecks');

/** Channels of the first of `stages` stages, each twice as wide as the one before. */
function firstWidth(stages: number) {
  return integer(1, MAX_CHANNELS / 2 ** (stages - 1)).describe(
    'channels of the first stage; each of the others is twice as wide as the one before',
  );
}

const WIDE_STEM = 16;
const maxFactor = MAX_CHANNELS / (4 * WIDE_STEM);
const widenFactorText = `a number from 1/16 to ${maxFactor} of which 16 times is a whole number (0.25, 4, 10…)`;
const widenFactor = z
  .number(widenFactorText)
  .refine((factor) => factor > 0 && factor <= maxFactor && Number.isInteger(WIDE_STEM * factor), {
    error: ({ input }) => `${widenFactorText}; nearest: ${nearestFactor(Number(input))}`,
  })
  .describe('stages have 16, 32 and 64 times as many channels');

function nearestFactor(factor: number): number {
  return Math.min(Math.max(1, Math.round(WIDE_STEM * factor)), WIDE_STEM * maxFactor) / WIDE_STEM;
}

/** Each stage of the plain network halves the 32x32 image: the fifth leaves 1x1. */
const MAX_CNN_STAGES = 5;

const cnn = z
  .strictObject({
    name: z.literal('cnn', 'cnn').describe('architecture'),
    widths: list(channels, 1, MAX_CNN_STAGES).describe('channels of each stage'),
    convs_per_stage: integer(1, 16).describe('convolutions before each max-pool'),
    norm: oneOf('batch', 'group', 'none').describe('after each convolution; none gives it a bias'),
    groups: channels.describe('of channels, with group norm; divides every width'),
    dropout: belowOne.describe('share of the features dropped before the linear layer, in training'),
    batch_norm: batchNorm.describe('epsilon is that of group norm too'),
  })
  .refine(({ norm, widths, groups }) => norm !== 'group' || widths.every((width) => width % groups === 0), {
    path: ['groups'],
    error: ({ input }) => describeGroups((input as { widths: number[] }).widths),
  });

function describeGroups(widths: readonly number[]): string {
  const common = widths.reduce(greatestCommonDivisor);
  const divisors = Array.from({ length: common }, (_, index) => index + 1).filter((n) => common % n === 0);
  return `a divisor of every width (${widths.join(', ')}): ${divisors.join(', ')}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export const model = z.discriminatedUnion(
  'name',
  [
    z.strictObject({
      name: z.literal('fast', 'fast').describe('architecture'),
      widths: list(channels, 3, 3).describe('channels of the three groups'),
      convs_per_group: z
        .literal([2, 3], '2 or 3')
        .describe('the third convolution of a group is added to its first output'),
      whitening: whitening.describe('the frozen first layer and its bias'),
      batch_norm: batchNorm.describe('of all batch norms'),
      head_init: oneOf('uniform', 'unit_variance').describe(
        'start of the linear layer: as a PyTorch layer, or that divided by its standard deviation',
      ),
      logit_divisor: positive.describe('logits are divided by this'),
    }),
    cnn,
    z.strictObject({
      name: z.literal('cifar_resnet', 'cifar_resnet').describe('architecture'),
      depth: stagedDepth(2, 2, 1202, '20, 32, 44, 56, 110…'),
      width: firstWidth(3),
      batch_norm: batchNorm.describe('of all batch norms'),
    }),
    z.strictObject({
      name: z.literal('resnet', 'resnet').describe('architecture'),
      depth: imageNetDepth,
      width: firstWidth(4),
      batch_norm: batchNorm.describe('of all batch norms'),
    }),
    z.strictObject({
      name: z.literal('preact_resnet', 'preact_resnet').describe('architecture'),
      depth: imageNetDepth,
      width: firstWidth(4),
      batch_norm: batchNorm.describe('of all batch norms'),
    }),
    z.strictObject({
      name: z.literal('wide_resnet', 'wide_resnet').describe('architecture'),
      depth: stagedDepth(2, 4, 1204, '16, 22, 28, 40…'),
      widen_factor: widenFactor,
      dropout: belowOne.describe(
        'share of the features dropped before the second convolution of each block, in training',
      ),
      batch_norm: batchNorm.describe('of all batch norms'),
    }),
  ],
  {
    error: variantMessage('fast, cnn, cifar_resnet, resnet, preact_resnet, wide_resnet', groupMap('model')),
  },
);
