// Owns the types and ranges of every configuration key, each with its expectation in words: the zod message
// of a value is what the reader of an error sees after "expected", its description what `config keys` tells.
// No defaults here: they live in conf/.
import { z } from 'zod';

const MAP = 'a map of keys';

function groupMap(group: string): string {
  return `a map of keys (an option is picked with "defaults: [${group}: <option>]")`;
}

function oneOf<const Values extends readonly [string, ...string[]]>(...values: Values) {
  return z.enum(values, `one of ${values.join(', ')}`);
}

function integer(min: number, max: number, expected = `an integer from ${min} to ${max}`) {
  return z.int(expected).min(min, expected).max(max, expected);
}

function list<Item extends z.ZodType>(item: Item, min: number, max: number) {
  const expected = min === max ? `a list of ${min} values` : `a list of ${min} to ${max} values`;
  return z.array(item, expected).min(min, expected).max(max, expected);
}

function rgb<Item extends z.ZodType>(item: Item) {
  return z.tuple([item, item, item], 'a list of three numbers, for R, G and B');
}

const truth = z.boolean('true or false');
const path = z.string('a path').min(1, 'a path');
const pathOrNull = z.string('a path or null').min(1, 'a path or null').nullable();
const finite = z.number('a number');
const positive = z.number('a number above 0').positive('a number above 0');
const notNegative = z.number('a number of at least 0').min(0, 'a number of at least 0');
const fractionText = 'a number from 0 to 1';
const fraction = z.number(fractionText).min(0, fractionText).max(1, fractionText);
const belowOneText = 'a number of at least 0 and below 1';
const belowOne = z.number(belowOneText).min(0, belowOneText).lt(1, belowOneText);
const channels = integer(1, 4096);

const dataLoading = z.strictObject(
  {
    source: oneOf('cifar10', 'sample').describe(
      'dataset; sample: 1,000 + 500 images embedded in the package',
    ),
    data_dir: pathOrNull.describe('folder of the six .bin files; null: in the cache folder'),
    val_size: integer(0, 49_999).describe('images held out of train for validation'),
    batch_size: integer(1, 50_000).describe('images of one step'),
    drop_last: truth.describe('leave out the last, smaller batch of an epoch'),
    augmentation: z.strictObject(
      {
        flip: oneOf('none', 'random', 'alternating').describe(
          'horizontal; alternating: random in the first epoch, then mirrored in every odd one',
        ),
        translate: integer(0, 16).describe('pixels; a random crop after padding by this many'),
        padding: oneOf('reflect', 'zero').describe('what the pixels of the padding are'),
      },
      MAP,
    ),
    normalization: z.strictObject(
      {
        mean: rgb(finite).describe('of pixels scaled to [0, 1], per channel'),
        std: rgb(positive).describe('of pixels scaled to [0, 1], per channel'),
      },
      MAP,
    ),
  },
  groupMap('data_loading'),
);

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

const model = z.discriminatedUnion(
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

/** With undivided logits the summed loss of a large batch throws the weights far off in one step: no net learns. */
const SUM_NEEDS_DIVIDED_LOGITS =
  'mean for every model but fast, which divides its logits (pick "training=muon" or "training=standard")';

const MAX_EPOCHS = 100_000;
const epochsText = `a number above 0 and at most ${MAX_EPOCHS}`;

/** How a model runs, in training and after it. */
const runtime = {
  device: oneOf('auto', 'cpu', 'cuda').describe('where to compute; auto: CUDA where there is a GPU'),
  precision: oneOf('bf16', 'fp32').describe('of activations; weights stay float32'),
  threads: integer(1, 1024, 'an integer from 1 to 1024, or null')
    .nullable()
    .describe('threads to compute with; null: every core'),
  tta_level: z
    .literal([0, 1, 2], '0, 1 or 2')
    .describe('test-time augmentation: 0 none, 1 mirror, 2 mirror and shifts'),
};

/** The same for a call of the library, where all is optional. */
export const runtimeSchema = z.object(runtime).partial();

const training = z.strictObject(
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

function variantMessage(names: string, map: string) {
  return (issue: { readonly code: string | undefined }) =>
    issue.code === 'invalid_type' ? map : `one of ${names}`;
}
