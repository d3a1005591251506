// Owns the types and ranges of every configuration key, each with its expectation in words: the zod message
// of a value is what the reader of an error sees after "expected". No defaults here: they live in conf/.
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
    source: oneOf('cifar10', 'sample'),
    data_dir: pathOrNull,
    val_size: integer(0, 49_999),
    batch_size: integer(1, 50_000),
    drop_last: truth,
    augmentation: z.strictObject(
      {
        flip: oneOf('none', 'random', 'alternating'),
        translate: integer(0, 16),
        padding: oneOf('reflect', 'zero'),
      },
      MAP,
    ),
    normalization: z.strictObject({ mean: rgb(finite), std: rgb(positive) }, MAP),
  },
  groupMap('data_loading'),
);

const observationWeight = 'a number above 0 and at most 1';
const batchNorm = z.strictObject(
  {
    momentum: z.number(observationWeight).positive(observationWeight).max(1, observationWeight),
    epsilon: positive,
  },
  MAP,
);

const whitening = z.strictObject(
  { images: integer(1, 50_000), epsilon: positive, bias_epochs: notNegative },
  MAP,
);

const cifarDepth = '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…)';

/** Each stage of the plain network halves the 32x32 image: the fifth leaves 1x1. */
const MAX_CNN_STAGES = 5;

const model = z.discriminatedUnion(
  'name',
  [
    z.strictObject({
      name: z.literal('fast'),
      widths: list(channels, 3, 3),
      whitening,
      batch_norm: batchNorm,
      logit_divisor: positive,
    }),
    z.strictObject({
      name: z.literal('cnn'),
      widths: list(channels, 1, MAX_CNN_STAGES),
      convs_per_stage: integer(1, 16),
      batch_norm: batchNorm,
    }),
    z.strictObject({
      name: z.literal('cifar_resnet'),
      depth: z.int(cifarDepth).refine((depth) => depth >= 8 && depth <= 1202 && depth % 6 === 2, cifarDepth),
      batch_norm: batchNorm,
    }),
    z.strictObject({
      name: z.literal('resnet'),
      depth: z.literal([18, 34], '18 or 34'),
      batch_norm: batchNorm,
    }),
  ],
  { error: variantMessage('fast, cnn, cifar_resnet, resnet', groupMap('model')) },
);

const optimizer = z.discriminatedUnion(
  'name',
  [
    z.strictObject({
      name: z.literal('sgd'),
      lr: positive,
      momentum: belowOne,
      nesterov: truth,
      weight_decay: notNegative,
    }),
    z.strictObject({
      name: z.literal('muon'),
      lr: positive,
      momentum: belowOne,
      newton_schulz_steps: integer(1, 100),
      companion: z.strictObject(
        { vector_lr: positive, head_lr: positive, momentum: belowOne, weight_decay: notNegative },
        MAP,
      ),
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
  device: oneOf('auto', 'cpu', 'cuda'),
  precision: oneOf('bf16', 'fp32'),
  threads: integer(1, 1024, 'an integer from 1 to 1024, or null').nullable(),
  tta_level: z.literal([0, 1, 2], '0, 1 or 2'),
};

/** The same for a call of the library, where all is optional. */
export const runtimeSchema = z.object(runtime).partial();

const training = z.strictObject(
  {
    seed: integer(0, 2 ** 32 - 1),
    epochs: z.number(epochsText).positive(epochsText).max(MAX_EPOCHS, epochsText),
    ...runtime,
    label_smoothing: belowOne,
    loss_reduction: oneOf('sum', 'mean'),
    eval_batch_size: integer(1, 10_000),
    optimizer,
    schedule: z.strictObject(
      { name: oneOf('linear', 'cosine'), warmup_fraction: fraction, final_fraction: fraction },
      MAP,
    ),
  },
  groupMap('training'),
);

/** The whole configuration with the names it has in YAML. */
export const configSchema = z
  .strictObject({ data_loading: dataLoading, model, training, output_dir: path })
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
