// Owns the keys of the group `training`, but for the schedule.
import { z } from 'zod';
import {
  belowOne,
  belowOneOrNull,
  fraction,
  groupMap,
  integer,
  integerOrNull,
  MAP,
  notNegative,
  oneOf,
  positive,
  positiveOrNull,
  truth,
  variantMessage,
} from './primitives.js';
import { schedule } from './schedule.js';

const MAX_EPOCHS = 100_000;
const epochsText = `a number above 0 and at most ${MAX_EPOCHS}`;

const lr = positive.describe('peak learning rate');
const momentum = belowOne.describe('share of the last update that is kept');
const weightDecay = notNegative.describe('coefficient of the L2 term, as in PyTorch');
const decayNormsAndBiases = truth.describe('weight decay of norms and biases, too');

const adam = {
  lr,
  betas: z
    .tuple([belowOne, belowOne], 'a list of two numbers of at least 0 and below 1')
    .describe('shares of the averages of gradients and of their squares that are kept'),
  epsilon: positive.describe('added to the root of the average of squares'),
};

const optimizer = z.discriminatedUnion(
  'name',
  [
    z.strictObject({
      name: z.literal('sgd', 'sgd').describe('update rule'),
      lr,
      momentum,
      nesterov: truth.describe('look ahead by one momentum step'),
      weight_decay: weightDecay,
      decay_norms_and_biases: decayNormsAndBiases,
      norm_lr_scale: positive.describe('lr of norm parameters over lr; their weight decay stays the same'),
    }),
    z.strictObject({
      name: z.literal('adam', 'adam').describe('update rule'),
      ...adam,
      weight_decay: weightDecay,
      decay_norms_and_biases: decayNormsAndBiases,
    }),
    z.strictObject({
      name: z.literal('adamw', 'adamw').describe('update rule'),
      ...adam,
      weight_decay: notNegative.describe('share of a weight, times lr, that each step takes off'),
      decay_norms_and_biases: decayNormsAndBiases,
    }),
    z.strictObject({
      name: z.literal('muon', 'muon').describe('update rule'),
      lr: positive.describe('peak learning rate of the convolution filters'),
      momentum: belowOne.describe('share of the last update that is kept; Nesterov'),
      newton_schulz_steps: integer(1, 100).describe('iterations of the orthogonalization'),
      companion: z
        .strictObject(
          {
            vector_lr: positive.describe('peak learning rate of biases and norm weights'),
            head_lr: positive.describe('peak learning rate of the linear layer'),
            momentum: belowOne.describe('share of the last update that is kept; Nesterov'),
            weight_decay: notNegative.describe("SGD's coefficient times the lr of the group"),
          },
          MAP,
        )
        .describe('SGD for what Muon does not take'),
    }),
  ],
  { error: variantMessage('sgd, adam, adamw, muon', MAP) },
);

const lookahead = z.strictObject(
  {
    steps: integerOrNull(1, 1_000_000).describe('updates between two returns to the slow weights; null: off'),
    decay: fraction.describe('weight of the slow weights when they take in the fast ones'),
    power: notNegative.describe('the decay grows as the progress of the run to this power; 0: constant'),
  },
  MAP,
);

export const MONITORS = ['val_loss', 'val_accuracy', 'train_loss', 'train_accuracy'] as const;

const earlyStopping = z.strictObject(
  {
    monitor: oneOf('none', ...MONITORS).describe('figure that must go on improving; none: off'),
    patience: integer(0, MAX_EPOCHS).describe('looks at the figure without improvement that are endured'),
    min_delta: notNegative.describe('a smaller change is no improvement'),
  },
  MAP,
);

const checkpoint = z.strictObject(
  {
    every_steps: integerOrNull(1, 1_000_000_000).describe(
      'steps from one save to the next; null: not by steps',
    ),
    every_minutes: positiveOrNull.describe('minutes from one save to the next; null: not by time'),
    keep: integer(1, 1_000_000).describe('states that stay, the newest among them'),
    on_error: oneOf('continue', 'stop').describe('what a save that fails does to the training'),
  },
  MAP,
);

const precision = oneOf('auto', 'bf16', 'fp32');

/** How a model runs, in training and after it. */
export const runtime = {
  device: oneOf('auto', 'cpu', 'cuda').describe('where to compute; auto: CUDA where there is a GPU'),
  precision: precision.describe('of activations; weights stay float32; auto: bf16 where it is fast'),
  threads: integer(1, 1024, 'an integer from 1 to 1024, or null')
    .nullable()
    .describe('threads to compute with; null: one a physical core'),
  kernels: oneOf('auto', 'own', 'libtorch').describe(
    'own kernels where they are faster, wherever they can run, or nowhere',
  ),
  max_winograd_tile: z
    .literal([2, 4], '2 or 4')
    .describe('side of the largest tiles of own convolutions: 4 multiplies less and rounds more'),
  tta_level: z
    .literal([0, 1, 2], '0, 1 or 2')
    .describe('test-time augmentation: 0 none, 1 mirror, 2 mirror and shifts'),
};

export const training = z.strictObject(
  {
    seed: integer(0, 2 ** 32 - 1).describe('of weights, data order, augmentation and dropout'),
    epochs: z
      .number(epochsText)
      .positive(epochsText)
      .max(MAX_EPOCHS, epochsText)
      .describe('passes over the train images; a fraction ends within an epoch'),
    ...runtime,
    eval_precision: precision.describe('of activations in validation and test'),
    eval_batch_size: integer(1, 10_000).describe('images of one forward pass in evaluation'),
    val_interval: integer(1, MAX_EPOCHS).describe(
      'epochs from one validation to the next; the last epoch always has one',
    ),
    label_smoothing: belowOne.describe('share of the target spread over all classes'),
    loss_reduction: oneOf('sum', 'mean').describe('over the batch'),
    accumulation_steps: integer(1, 50_000).describe('parts that a batch is cut into, for less memory'),
    gradient_clip_norm: positiveOrNull.describe('largest norm of all gradients together; null: any'),
    ema_decay: belowOneOrNull.describe('moving average of the weights to test and keep; null: none'),
    lookahead: lookahead.describe('slow weights that the training returns to'),
    early_stopping: earlyStopping.describe('end when nothing improves any more'),
    select: oneOf('last', 'best_val_loss', 'best_val_accuracy').describe(
      'epoch whose weights are tested and kept',
    ),
    checkpoint: checkpoint.describe('the whole state of a training, kept while it goes on'),
    optimizer: optimizer.describe('update rule'),
    schedule: schedule.describe('learning rate by step'),
  },
  groupMap('training'),
);
