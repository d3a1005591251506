// Owns the oldest check of a net and its gradients: a few images must be learned by heart. Must not know the models.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../lib/config/index.js';
import { loadNative } from '../lib/native.js';
import { settle } from '../lib/settle.js';
import { RECORD_BYTES, SAMPLE_TRAIN, temporaryFolder } from './support.js';

const IMAGES = 256;

/**
 * Trains the model on the first 256 real images of the sample, as they are, and tests it on the same; resolves to the
 * accuracy there. Batches of 64: four steps an epoch.
 */
export async function overfit(overrides: readonly string[]): Promise<number> {
  const file = join(temporaryFolder(), 'train.bin');
  writeFileSync(file, readFileSync(SAMPLE_TRAIN).subarray(0, IMAGES * RECORD_BYTES));
  const config = loadConfig({
    overrides: [
      'data_loading=sample',
      'data_loading.batch_size=64',
      'data_loading.augmentation.flip=none',
      'data_loading.augmentation.translate=0',
      'training=muon',
      'training.label_smoothing=0',
      'training.eval_batch_size=256',
      ...overrides,
    ],
  });
  const files = { trainFiles: [file], testFiles: [file] };
  const outcome = await loadNative().train({ config: settle(config), ...files, resume: null }, () => {})
    .result;
  if (outcome.end !== 'finished') throw new Error('nobody stops this training');
  return outcome.test.accuracy;
}
