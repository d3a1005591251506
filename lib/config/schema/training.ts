// Owns the keys of the group `training`.
import { z } from 'zod';
import {
  belowOne,
  fraction,
  groupMap,
  integer,
  MAP,
  notNegative,
  oneOf,
  positive,
  truth,
  variantMessage,
} from './primitives.js';

const optimizer = z.discriminatedUnion(
  'name',
  [
    z.strictObject({
      name: z.literal('sgd', 'sgd').describe('update rule'),
      lr: positive.describe('peak learning rate'),
      momentum: belowOne.describe('share of the last update that is kept'),
      nesterov: truth.describe('look ahead by one momentum step'),
      weight_decay: notNegative.describe('coefficient of the L2 term, as in PyTorch'),
    }),
    z.strictObject({
      name: z.literal('muon', 'muon').describe('update rule'),
      lr: positive.describe('peak learning rate of the convolution filters'),
      momentum: belowOne.describe('share of the last update that is kept; Nesterov'),
      newton_schulz_steps: integer(1, 100).describe('iterations of the orthogonalization'),
      companion: z
        .strictObject(
          {
            vector_lr: positive.describe('peak learning rate of biases and batch-norm weights'),
            head_lr: positive.describe('peak learning rate of the linear layer'),
            momentum: belowOne.describe('share of the last update that is kept; Nesterov'),
            weight_decay: notNegative.describe("SGD's coefficient times the lr of the group"),
          },
          MAP,
        )
        .describe('SGD for what Muon does not take'),
    }),
  ],
  { error: variantMessage('sgd, muon', MAP) },
);

const MAX_EPOCHS = 100_000;
const epochsText = `a number above 0 and at most ${MAX_EPOCHS}`;

/** How a model runs, in training and after it. */
export const runtime = {
  device: oneOf('auto', 'cpu', 'cuda').describe('where to compute; auto: CUDA where there is a GPU'),
  precision: oneOf('bf16', 'fp32').describe('of activations; weights stay float32'),
  threads: integer(1, 1024, 'an integer from 1 to 1024, or null')
    .nullable()
    .describe('threads to compute with; null: every core'),
  tta_level: z
    .literal([0, 1, 2], '0, 1 or 2')
    .describe('test-time augmentation: 0 none, 1 mirror, 2 mirror and shifts'),
};

export const training = z.strictObject(
  {
    seed: integer(0, 2 ** 32 - 1).describe('of weights, data order and augmentation'),
    epochs: z
      .number(epochsText)
      .positive(epochsText)
      .max(MAX_EPOCHS, epochsText)
      .describe('passes over the train images; a fraction ends within an epoch'),
    ...runtime,
    label_smoothing: belowOne.describe('share of the target spread over all classes'),
    loss_reduction: oneOf('sum', 'mean').describe('over the batch'),
    eval_batch_size: integer(1, 10_000).describe('images of one forward pass in evaluation'),
    optimizer,
    schedule: z.strictObject(
      {
        name: oneOf('linear', 'cosine').describe('shape of the descent'),
        warmup_fraction: fraction.describe('share of the steps in which the lr rises from 0'),
        final_fraction: fraction.describe('lr at the end, as a share of its peak'),
      },
      MAP,
    ),
  },
  groupMap('training'),
);
