// Owns the keys of `data_loading.augmentation`: how train images are changed at random.
import { z } from 'zod';
import { fraction, integer, MAP, notNegative, oneOf, positive, truth, variantMessage } from './primitives.js';

const policy = z.discriminatedUnion(
  'name',
  [
    z.strictObject({
      name: z.literal('none', 'none').describe('operations chosen for each image at random'),
    }),
    z.strictObject({
      name: z.literal('rand_augment', 'rand_augment').describe('some operations, all of one strength'),
      operations: integer(1, 14).describe('for each image, one after the other'),
      magnitude: integer(0, 30).describe('strength of all operations'),
    }),
    z.strictObject({
      name: z.literal('trivial_augment', 'trivial_augment').describe('one operation of random strength'),
    }),
  ],
  { error: variantMessage('none, rand_augment, trivial_augment', MAP) },
);

const factorRange = 'factors are drawn from 1 - this (0 at least) to 1 + this';
const hueText = 'a number from 0 to 0.5';
const colorJitter = z.strictObject(
  {
    brightness: notNegative.describe(factorRange),
    contrast: notNegative.describe(factorRange),
    saturation: notNegative.describe(factorRange),
    hue: z
      .number(hueText)
      .min(0, hueText)
      .max(0.5, hueText)
      .describe('turns of the colour circle, either way at most'),
  },
  MAP,
);

const cutout = z.strictObject(
  {
    size: integer(0, 32).describe('pixels, side of the square set to the mean; 0: none'),
    clipped: truth.describe('the square may reach over the border'),
  },
  MAP,
);

const area = fraction.describe('share of the image');
const ratio = positive.describe('height / width');
const randomErasing = z
  .strictObject(
    {
      probability: fraction.describe('share of the images in which a rectangle is set to the mean'),
      min_area: area,
      max_area: area,
      min_ratio: ratio,
      max_ratio: ratio,
    },
    MAP,
  )
  .refine(({ min_area, max_area }) => min_area <= max_area, {
    path: ['min_area'],
    error: 'at most max_area',
  })
  .refine(({ min_ratio, max_ratio }) => min_ratio <= max_ratio, {
    path: ['min_ratio'],
    error: 'at most max_ratio',
  });

export const augmentation = z.strictObject(
  {
    flip: oneOf('none', 'random', 'alternating').describe(
      'horizontal; alternating: random in the first epoch, then mirrored in every odd one',
    ),
    translate: integer(0, 16).describe('pixels; a random crop after padding by this many'),
    padding: oneOf('reflect', 'zero').describe('what the pixels of the padding are'),
    policy: policy.describe('operations of RandAugment or TrivialAugment, drawn for each image'),
    color_jitter: colorJitter.describe('random changes of brightness, contrast, saturation and hue'),
    cutout: cutout.describe('a square of each image that is set to the mean'),
    random_erasing: randomErasing.describe('a rectangle of some images that is set to the mean'),
    mixup_alpha: notNegative.describe('parameter of the Beta distribution of the shares; 0: none'),
    cutmix_alpha: notNegative.describe(
      'the same for the area that is pasted; with both: a coin for each batch',
    ),
  },
  MAP,
);
