// Every family learns 256 images by heart in a hundred steps, in small sizes; the sizes of the papers are in test/slow.
import { expect, test } from 'vitest';
import { overfit } from '../overfit.js';

test.each([
  ['fast', ['model.widths=[32,64,64]']],
  ['fast96', ['model.widths=[32,64,64]']],
  ['cnn', ['model.widths=[32,64]', 'model.convs_per_stage=1']],
  ['cnn', ['model.widths=[32,64]', 'model.convs_per_stage=1', 'model.norm=group']],
  ['cnn', ['model.widths=[32,64]', 'model.convs_per_stage=1', 'model.norm=none']],
  ['resnet20', ['model.depth=8']],
  ['resnet18', ['model.width=16']],
  ['resnet50', ['model.width=8']],
  ['preact_resnet18', ['model.width=16']],
  ['preact_resnet18', ['model.width=8', 'model.depth=50']],
  ['wrn28_10', ['model.depth=10', 'model.widen_factor=1']],
])('%s with %j', async (option, overrides) => {
  expect(await overfit([`model=${option}`, ...overrides, 'training.epochs=25'])).toBe(1);
});
