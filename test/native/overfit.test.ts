// Every family learns 256 images by heart in a hundred or two hundred steps (4 an epoch), in small sizes; the sizes of the
// papers are in test/slow.
import { expect, test } from 'vitest';
import { overfit } from '../overfit.js';

test.each([
  ['fast', ['model.widths=[32,64,64]'], 25],
  ['fast96', ['model.widths=[32,64,64]'], 25],
  ['cnn', ['model.widths=[32,64]'], 50],
  ['cnn', ['model.widths=[32,64]', 'model.norm=group'], 50],
  ['cnn', ['model.widths=[32,64]', 'model.norm=none'], 50],
  ['resnet20', ['model.depth=8'], 25],
  ['resnet18', ['model.width=16'], 25],
  ['resnet50', ['model.width=8'], 50],
  ['preact_resnet18', ['model.width=16'], 25],
  ['preact_resnet18', ['model.width=8', 'model.depth=50'], 25],
  ['wrn28_10', ['model.depth=10', 'model.widen_factor=1'], 25],
])('%s with %j within %d epochs', async (option, overrides, epochs) => {
  expect(await overfit([`model=${option}`, ...overrides, `training.epochs=${epochs}`])).toBe(1);
});
