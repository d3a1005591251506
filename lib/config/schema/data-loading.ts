// Owns the keys of the group `data_loading`.
import { z } from 'zod';
import { finite, groupMap, integer, MAP, oneOf, pathOrNull, positive, rgb, truth } from './primitives.js';

export const dataLoading = z.strictObject(
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
