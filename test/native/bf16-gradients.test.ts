// Whole nets in bfloat16: how far the gradients are from those of float32, with the package's own kernels and with
// LibTorch's. Own kernels may be faster, not much rougher.
import { expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import { loadConfig } from '../../lib/config/index.js';
import { train } from '../../lib/index.js';
import { loadNative } from '../../lib/native.js';
import type { NamedTensor } from '../../lib/native-addon.js';
import { settle } from '../../lib/settle.js';
import { numbersOf } from '../golden/values.js';
import { readSample, SAMPLE_TEST, temporaryFolder } from '../support.js';

const IMAGES = 64;
const MEAN = [0.4914, 0.4822, 0.4465] as const;
const STD = [0.247, 0.2435, 0.2616] as const;

const batch = readSample(SAMPLE_TEST).slice(0, IMAGES);
const images = Float32Array.from(
  batch.flatMap(({ pixels }) =>
    Array.from(pixels, (value, index) => {
      const channel = Math.floor(index / 1024);
      return (value / 255 - (MEAN[channel] as number)) / (STD[channel] as number);
    }),
  ),
);
const labels = batch.map(({ label }) => label);

/** ‖found − expected‖ / ‖expected‖ over the gradients of all parameters. */
function distance(found: readonly NamedTensor[], expected: readonly NamedTensor[]): number {
  let [difference, size] = [0, 0];
  expected.forEach((tensor, index) => {
    const values = numbersOf(found[index]);
    numbersOf(tensor).forEach((value, at) => {
      difference += ((values[at] as number) - value) ** 2;
      size += value ** 2;
    });
  });
  return Math.sqrt(difference / size);
}

test.each([
  ['fast', []],
  ['resnet20', []],
  ['resnet18', ['model.width=32']],
])('%s', async (model, options) => {
  const overrides = [`model=${model}`, ...options, 'training=standard', 'data_loading=sample'];
  const settings = ['training.epochs=1', 'training.tta_level=0', `output_dir=${temporaryFolder()}`];
  const { checkpoint } = await train({ overrides: [...overrides, ...settings] });
  const { tensors } = await readCheckpoint(checkpoint);
  const state = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const gradients = (precision: string, kernels: string, tile = 4) => {
    const runtime = [`training.precision=${precision}`, `training.kernels=${kernels}`, 'training.device=cpu'];
    const tiles = `training.max_winograd_tile=${tile}`;
    const config = settle(loadConfig({ overrides: [...overrides, ...runtime, tiles] }));
    const request = { config, state, images, labels, targets: null, lrFactors: [0] };
    return loadNative().inspectTraining(request).gradients;
  };
  const expected = gradients('fp32', 'libtorch');
  const libtorch = distance(gradients('bf16', 'libtorch'), expected);
  const small = distance(gradients('bf16', 'own', 2), expected);
  const large = distance(gradients('bf16', 'own', 4), expected);
  expect(libtorch).toBeGreaterThan(0.001);
  const areOwn = loadNative().runtimeInfo().canRunOwnKernels.bf16;
  expect([small !== libtorch, large !== small]).toEqual([areOwn, areOwn]);
  expect(small).toBeLessThan(1.25 * libtorch);
  expect(large).toBeLessThan(1.5 * libtorch);
});
