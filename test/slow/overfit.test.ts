// The sizes of the papers learn 256 images by heart; the small ones are in test/native.
import { expect, test } from 'vitest';
import { overfit } from '../overfit.js';

test.each([
  'fast',
  'fast95',
  'fast96',
  'cnn',
  'resnet20',
  'resnet18',
  'resnet50',
  'preact_resnet18',
  'wrn16_4',
])('%s', async (option) => {
  expect(await overfit([`model=${option}`, 'training.epochs=25'])).toBe(1);
});
