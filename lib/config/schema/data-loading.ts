// Owns the keys of the group `data_loading`.
import { z } from 'zod';
import { augmentation } from './augmentation.js';
import { finite, groupMap, integer, MAP, oneOf, pathOrNull, positive, rgb, truth } from './primitives.js';

const validationText = 'none, or a number above 0 and below 1';

export const dataLoading = z.strictObject(
  {
    source: oneOf('cifar10', 'sample').describe(
      'dataset; sample: 1,000 + 500 images embedded in the package',
    ),
    data_dir: pathOrNull.describe('folder of the six .bin files; null: in the cache folder'),
    validation: z
      .union([z.literal('none'), z.number().positive(validationText).lt(1, validationText)], validationText)
      .describe('share of the train images of each class that is held out for validation'),
    batch_size: integer(1, 50_000).describe('images of one step'),
    drop_last: truth.describe('leave out the last, smaller batch of an epoch'),
    augmentation: augmentation.describe('random changes of the train images'),
    normalization: z
      .strictObject(
        {
          mean: rgb(finite).describe('of pixels scaled to [0, 1], per channel'),
          std: rgb(positive).describe('of pixels scaled to [0, 1], per channel'),
        },
        MAP,
      )
      .describe('each pixel becomes (pixel - mean) / std'),
  },
  groupMap('data_loading'),
);
