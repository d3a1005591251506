// Weights that Python wrote (scripts/make-golden.py), through the library: see docs/parity.md.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  encodeSafetensors,
  readCheckpoint,
  readWeights,
  type TensorData,
} from '../../lib/checkpoint/index.js';
import { CLASS_NAMES } from '../../lib/dataset/index.js';
import { importWeights, predict } from '../../lib/index.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { temporaryFolder } from '../support.js';
import {
  BOUND,
  interleavedPixels,
  logProbabilities,
  readInputs,
  readModel,
  relativeError,
} from './values.js';

const WEIGHTS = join(PACKAGE_ROOT, 'test/golden/values/state_dict.safetensors');
const OVERRIDES = ['model=resnet20', 'model.depth=8', 'model.width=4'];

function importInto(folder: string, overrides = OVERRIDES, weights = WEIGHTS) {
  return importWeights({ weights, overrides, output: join(folder, 'checkpoint.safetensors') });
}

/** A file of weights that a program changed. */
async function changedWeights(folder: string, change: (tensors: Map<string, TensorData>) => void) {
  const tensors = await readWeights(WEIGHTS);
  change(tensors);
  const path = join(folder, 'changed.safetensors');
  writeFileSync(path, Buffer.concat(encodeSafetensors(tensors, {})));
  return path;
}

test('a model from Python gives PyTorch’s logits', async () => {
  const folder = temporaryFolder();
  const { checkpoint, parameterCount } = await importInto(folder);
  const golden = readModel('cifar_resnet8');
  expect(parameterCount).toBe(5_214);
  const pixels = interleavedPixels(readInputs().pixels);
  const images = Array.from({ length: pixels.length / 3072 }, (_, i) => ({
    data: pixels.subarray(i * 3072, (i + 1) * 3072),
    width: 32,
    height: 32,
    channels: 3 as const,
  }));
  const predictions = await predict(images, { checkpoint, dtype: 'fp32', device: 'cpu', topK: 10 });
  const found = predictions.flatMap(({ topK }) =>
    CLASS_NAMES.map((name) => Math.log(topK.find(({ label }) => label === name)?.probability ?? Number.NaN)),
  );
  expect(relativeError(found, logProbabilities(golden.tensors.get('eval.logits')))).toBeLessThan(BOUND);
});

test('the checkpoint holds the weights as they are and the given normalization', async () => {
  const std = 'data_loading.normalization.std=[0.2023,0.1994,0.2010]';
  const { checkpoint } = await importInto(temporaryFolder(), [...OVERRIDES, std]);
  const { tensors, meta } = await readCheckpoint(checkpoint);
  const weights = await readWeights(WEIGHTS);
  expect([...tensors.keys()].sort()).toEqual([...weights.keys()].sort());
  for (const [name, { data }] of weights)
    expect(Buffer.from(tensors.get(name)?.data as Uint8Array).equals(data)).toBe(true);
  expect(meta.normalization.std).toEqual([0.2023, 0.1994, 0.201]);
  expect(meta.classNames).toEqual(CLASS_NAMES);
});

test('weights of another model are refused', async () => {
  const folder = temporaryFolder();
  await expect(importInto(folder, ['model=resnet20', 'model.depth=8'])).rejects.toMatchObject({
    code: 'CHECKPOINT_MISMATCH',
    message: expect.stringContaining(WEIGHTS),
    found: expect.stringContaining('[4]'),
    expected: expect.stringContaining('[16]'),
  });
  await expect(readCheckpoint(join(folder, 'checkpoint.safetensors'))).rejects.toMatchObject({
    code: 'CHECKPOINT_NOT_FOUND',
  });
});

test('a missing, an extra and a half-precision tensor are named', async () => {
  const folder = temporaryFolder();
  const cases: [(tensors: Map<string, TensorData>) => void, string, string][] = [
    [(tensors) => tensors.delete('fc.bias'), '"fc.bias" F32 [10]', 'no "fc.bias"'],
    [
      (tensors) => tensors.set('module.x', { dtype: 'F32', shape: [1], data: new Uint8Array(4) }),
      'no "module.x"',
      '"module.x" F32 [1]',
    ],
    [
      (tensors) => tensors.set('fc.bias', { dtype: 'F16', shape: [10], data: new Uint8Array(20) }),
      '"fc.bias" F32 [10]',
      '"fc.bias" F16 [10]',
    ],
  ];
  for (const [change, expected, found] of cases) {
    const weights = await changedWeights(folder, change);
    const error = { code: 'CHECKPOINT_MISMATCH', expected, found };
    await expect(importInto(folder, OVERRIDES, weights)).rejects.toMatchObject(error);
  }
});

test('a pickle, a missing file and a folder are refused with what to do', async () => {
  const folder = temporaryFolder();
  const pickle = join(folder, 'model.pt');
  writeFileSync(pickle, 'PK\x03\x04 a zip archive, as torch.save writes it');
  const nextStep = expect.stringContaining('safetensors.torch.save_file');
  const refusal = { code: 'CHECKPOINT_INVALID', nextStep };
  await expect(importInto(folder, OVERRIDES, pickle)).rejects.toMatchObject(refusal);
  await expect(importInto(folder, OVERRIDES, folder)).rejects.toMatchObject({
    ...refusal,
    found: 'a folder',
  });
  await expect(importInto(folder, OVERRIDES, join(folder, 'none'))).rejects.toMatchObject({
    code: 'CHECKPOINT_NOT_FOUND',
  });
});
