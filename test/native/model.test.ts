// Sizes, costs and state keys of every family, held against papers and public repositories.
import { describe, expect, test } from 'vitest';
import { listOptions, loadConfig } from '../../lib/config/index.js';
import { loadNative } from '../../lib/native.js';

function describeModel(...overrides: string[]) {
  const { model } = loadConfig({ overrides });
  const { parameterCount, tensors } = loadNative().describeModel(model);
  return { parameterCount, shapes: new Map(tensors.map(({ name, shape }) => [name, shape])), tensors };
}

function countMultiplyAdds(...overrides: string[]) {
  return loadNative().countMultiplyAdds(loadConfig({ overrides }).model);
}

describe('parameter counts are the published ones', () => {
  // "By definition": the same layers made of torch.nn modules, counted by PyTorch 2.13.
  test.each([
    ['fast', 1_972_792], // KellerJordan/cifar10-airbench: 1.97 M
    ['fast95', 4_606_520], // by definition of airbench95.py
    ['fast96', 9_918_776], // by definition of airbench96.py with widths 128/384/512
    ['resnet20', 272_474], // chenyaofo/pytorch-cifar-models: 0.27 M; He et al. 2015, table 6: 0.27 M
    ['resnet32', 466_906], // 0.47 M; 0.46 M
    ['resnet44', 661_338], // 0.66 M; 0.66 M
    ['resnet56', 855_770], // 0.86 M; 0.85 M
    ['resnet110', 1_730_714], // He et al. 2015, table 6: 1.7 M
    ['resnet18', 11_173_962], // kuangliu/pytorch-cifar
    ['resnet34', 21_282_122], // kuangliu/pytorch-cifar
    ['resnet50', 23_520_842], // kuangliu/pytorch-cifar
    ['preact_resnet18', 11_172_170], // kuangliu/pytorch-cifar: 11,171,146, without the last batch norm of 2 × 512
    ['preact_resnet34', 21_280_330], // by definition
    ['wrn16_4', 2_748_890], // Zagoruyko & Komodakis 2016: 2.7 M
    ['wrn16_8', 10_961_370], // 11.0 M
    ['wrn28_10', 36_479_194], // 36.5 M
    ['wrn40_4', 8_949_210], // 8.9 M
  ])('%s: %i', (option, expected) => {
    expect(describeModel(`model=${option}`).parameterCount).toBe(expected);
  });

  test('every option of conf/ is one of them, or the plain net', () => {
    // 2 × 9 weights a pair of channels, two values a channel of each batch norm, 10 × 256 + 10 in the head.
    const convolutions = 9 * (3 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256);
    expect(describeModel('model=cnn').parameterCount).toBe(convolutions + 4 * (64 + 128 + 256) + 2_570);
    expect(listOptions('model')).toHaveLength(18);
  });

  test('follow depth and width', () => {
    expect(describeModel('model=resnet20', 'model.depth=56').parameterCount).toBe(855_770);
    expect(describeModel('model=preact_resnet18', 'model.depth=50').parameterCount).toBe(23_513_162); // by definition
    expect(describeModel('model=wrn28_10', 'model.depth=10', 'model.widen_factor=0.25').parameterCount).toBe(
      6_010, // by definition
    );
    const { shapes } = describeModel('model=resnet20', 'model.width=24');
    expect(shapes.get('fc.weight')).toEqual([10, 96]);
  });
});

describe('multiply–adds of one image', () => {
  test.each([
    // 3x3 convolutions of 16, 32 and 64 channels on 32², 16² and 8² positions, two 1x1 shortcuts, the head.
    [
      'resnet20',
      1024 * 9 * (3 * 16 + 6 * 16 * 16) +
        256 * (9 * (16 * 32 + 5 * 32 * 32) + 16 * 32) +
        64 * (9 * (32 * 64 + 5 * 64 * 64) + 32 * 64) +
        640,
    ],
    // Sides 31, 15, 7: the first convolution of a group runs before its max-pool.
    [
      'fast',
      961 * 24 * (12 + 9 * 64) +
        225 * 9 * (64 * 64 + 64 * 256) +
        49 * 9 * 2 * 256 * 256 +
        9 * 9 * 256 * 256 +
        2_560,
    ],
    ['cnn', 1024 * 9 * (3 * 64 + 64 ** 2) + 256 * 9 * 3 * 64 * 128 + 64 * 9 * 3 * 128 * 256 + 2_560],
    [
      'resnet18',
      1024 * 9 * (3 * 64 + 4 * 64 ** 2) +
        256 * (9 * (64 * 128 + 3 * 128 ** 2) + 64 * 128) +
        64 * (9 * (128 * 256 + 3 * 256 ** 2) + 128 * 256) +
        16 * (9 * (256 * 512 + 3 * 512 ** 2) + 256 * 512) +
        5_120,
    ],
    [
      'wrn28_10',
      1024 * 9 * 3 * 16 +
        1024 * (9 * (16 * 160 + 7 * 160 ** 2) + 16 * 160) +
        256 * (9 * (160 * 320 + 7 * 320 ** 2) + 160 * 320) +
        64 * (9 * (320 * 640 + 7 * 640 ** 2) + 320 * 640) +
        6_400,
    ],
  ])('%s: by hand', (option, expected) => {
    expect(countMultiplyAdds(`model=${option}`)).toBe(expected);
  });

  test.each([
    ['resnet20', 40.81e6], // chenyaofo/pytorch-cifar-models, README, as the next three
    ['resnet32', 69.12e6],
    ['resnet44', 97.44e6],
    ['resnet56', 125.75e6],
    ['fast95', 1.39e15 / (2 * 3 * 15 * 50_000)], // airbench95.py: 1.39 PFLOP for 15 epochs, backward twice forward
  ])('%s is what its repository says, within 3 %%', (option, published) => {
    const multiplyAdds = countMultiplyAdds(`model=${option}`);
    expect(Math.abs(multiplyAdds / published - 1)).toBeLessThan(0.03);
  });

  test('are the same each time and leave nothing behind', () => {
    const first = countMultiplyAdds('model=cnn');
    countMultiplyAdds('model=resnet20');
    expect(countMultiplyAdds('model=cnn')).toBe(first);
    expect(countMultiplyAdds('model=cnn', 'model.dropout=0.5')).toBe(first);
  });
});

describe('state keys are those of the PyTorch definitions', () => {
  test('resnet20 (chenyaofo)', () => {
    const { shapes } = describeModel('model=resnet20');
    expect(shapes.get('conv1.weight')).toEqual([16, 3, 3, 3]);
    expect(shapes.get('layer2.0.downsample.0.weight')).toEqual([32, 16, 1, 1]);
    expect(shapes.get('layer3.2.bn2.running_var')).toEqual([64]);
    expect(shapes.get('layer1.0.bn1.num_batches_tracked')).toEqual([]);
    expect(shapes.get('fc.weight')).toEqual([10, 64]);
  });

  test('resnet18 (kuangliu)', () => {
    const { shapes } = describeModel('model=resnet18');
    expect(shapes.get('layer4.0.shortcut.1.bias')).toEqual([512]);
    expect(shapes.get('linear.bias')).toEqual([10]);
    expect(shapes.has('layer1.0.shortcut.0.weight')).toBe(false);
  });

  test('resnet50 (kuangliu): bottlenecks', () => {
    const { shapes } = describeModel('model=resnet50');
    expect(shapes.get('layer1.0.conv1.weight')).toEqual([64, 64, 1, 1]);
    expect(shapes.get('layer2.0.conv2.weight')).toEqual([128, 128, 3, 3]);
    expect(shapes.get('layer4.2.conv3.weight')).toEqual([2048, 512, 1, 1]);
    expect(shapes.get('layer4.2.bn3.weight')).toEqual([2048]);
    expect(shapes.get('layer1.0.shortcut.0.weight')).toEqual([256, 64, 1, 1]);
    expect(shapes.get('linear.weight')).toEqual([10, 2048]);
  });

  test('preact_resnet18 (kuangliu, and a last batch norm)', () => {
    const { shapes } = describeModel('model=preact_resnet18');
    expect(shapes.get('layer2.0.bn1.weight')).toEqual([64]);
    expect(shapes.get('layer2.0.conv1.weight')).toEqual([128, 64, 3, 3]);
    expect(shapes.get('layer2.0.shortcut.0.weight')).toEqual([128, 64, 1, 1]);
    expect(shapes.has('layer2.0.shortcut.0.bias')).toBe(false);
    expect(shapes.has('layer2.0.shortcut.1.weight')).toBe(false);
    expect(shapes.has('layer1.0.shortcut.0.weight')).toBe(false);
    expect(shapes.has('bn1.weight')).toBe(false); // the first block brings the stem's batch norm
    expect(shapes.get('bn.weight')).toEqual([512]);
    expect(shapes.get('linear.weight')).toEqual([10, 512]);
  });

  test('wrn16_4 (xternalz)', () => {
    const { shapes } = describeModel('model=wrn16_4', 'model.dropout=0.3');
    expect(shapes.get('conv1.weight')).toEqual([16, 3, 3, 3]);
    expect(shapes.get('block1.layer.0.bn1.weight')).toEqual([16]);
    expect(shapes.get('block1.layer.0.convShortcut.weight')).toEqual([64, 16, 1, 1]);
    expect(shapes.has('block1.layer.1.convShortcut.weight')).toBe(false);
    expect(shapes.get('block3.layer.1.conv2.weight')).toEqual([256, 256, 3, 3]);
    expect(shapes.get('bn1.weight')).toEqual([256]);
    expect(shapes.get('fc.weight')).toEqual([10, 256]);
    // The first stage of factor 1 has the stem's channels: no shortcut there.
    const narrow = describeModel('model=wrn16_4', 'model.widen_factor=1').shapes;
    expect(narrow.has('block1.layer.0.convShortcut.weight')).toBe(false);
    expect(narrow.get('block2.layer.0.convShortcut.weight')).toEqual([32, 16, 1, 1]);
  });

  test('fast', () => {
    const { shapes } = describeModel('model=fast');
    expect(shapes.get('whiten.weight')).toEqual([24, 3, 2, 2]);
    expect(shapes.get('group2.conv1.weight')).toEqual([256, 64, 3, 3]);
    expect(shapes.get('head.weight')).toEqual([10, 256]);
    expect(shapes.has('head.bias')).toBe(false);
    expect(shapes.has('group1.conv3.weight')).toBe(false);
    const { shapes: deeper } = describeModel('model=fast96');
    expect(deeper.get('group2.conv3.weight')).toEqual([384, 384, 3, 3]);
    expect(deeper.get('group3.bn3.bias')).toEqual([512]);
  });

  test('cnn: the norm decides', () => {
    const keys = (norm: string) => [...describeModel('model=cnn', `model.norm=${norm}`).shapes.keys()];
    const layer = (norm: string) =>
      keys(norm)
        .filter((key) => /^stage2\.\D+1\./.test(key))
        .sort();
    const running = ['running_mean', 'running_var', 'num_batches_tracked'].map(
      (name) => `stage2.bn1.${name}`,
    );
    expect(layer('batch')).toEqual(
      ['stage2.bn1.bias', 'stage2.bn1.weight', 'stage2.conv1.weight', ...running].sort(),
    );
    expect(layer('group')).toEqual(['stage2.conv1.weight', 'stage2.gn1.bias', 'stage2.gn1.weight']);
    expect(layer('none')).toEqual(['stage2.conv1.bias', 'stage2.conv1.weight']);
  });

  test('counters are int64, everything else float32', () => {
    const { tensors } = describeModel('model=cnn');
    expect(tensors.length).toBeGreaterThan(10);
    for (const { name, dtype } of tensors)
      expect(dtype).toBe(name.endsWith('num_batches_tracked') ? 'I64' : 'F32');
  });
});

describe('dropout', () => {
  const REQUEST = { rate: 0.3, isTraining: true, seed: 1, counter: 0, size: 100_000 };
  const dropOnes = (request: Partial<typeof REQUEST> = {}) =>
    loadNative().dropOnes({ ...REQUEST, ...request });

  test('drops that share and keeps the expectation', () => {
    const [values] = dropOnes();
    const dropped = values.filter((value) => value === 0).length / values.length;
    expect(Math.abs(dropped - 0.3)).toBeLessThan(0.006); // four standard deviations of 0.0014
    expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  });

  test('follows from seed and counter, each layer by itself', () => {
    const [first, second] = dropOnes();
    expect(dropOnes()).toEqual([first, second]);
    const agreement = (other: Float32Array) =>
      first.filter((value, index) => value === other[index]).length / first.length;
    // Independent masks agree on 0.7² + 0.3² = 58 % of the elements.
    for (const other of [second, dropOnes({ seed: 2 })[0], dropOnes({ counter: 1 })[0]])
      expect(Math.abs(agreement(other) - 0.58)).toBeLessThan(0.01);
  });

  test('is the identity in evaluation mode, and with rate 0', () => {
    const ones = new Float32Array(10).fill(1);
    expect(dropOnes({ isTraining: false, size: 10 })).toEqual([ones, ones]);
    expect(dropOnes({ rate: 0, size: 10 })).toEqual([ones, ones]);
  });
});
