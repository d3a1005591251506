import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../lib/config/index.js';
import { loadNative } from '../../lib/native.js';

function describeModel(...overrides: string[]) {
  const { parameterCount, tensors } = loadNative().describeModel(loadConfig({ overrides }).model);
  return { parameterCount, shapes: new Map(tensors.map(({ name, shape }) => [name, shape])), tensors };
}

describe('parameter counts are the published ones', () => {
  test.each([
    ['resnet20', 272_474], // chenyaofo/pytorch-cifar-models
    ['resnet18', 11_173_962], // kuangliu/pytorch-cifar
    ['fast', 1_972_792], // KellerJordan/cifar10-airbench: 1.97 M
  ])('%s: %i', (option, expected) => {
    expect(describeModel(`model=${option}`).parameterCount).toBe(expected);
  });

  test('deeper nets follow their depth', () => {
    expect(describeModel('model=resnet20', 'model.depth=56').parameterCount).toBe(855_770);
    expect(describeModel('model=resnet18', 'model.depth=34').parameterCount).toBe(21_282_122);
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

  test('fast', () => {
    const { shapes } = describeModel('model=fast');
    expect(shapes.get('whiten.weight')).toEqual([24, 3, 2, 2]);
    expect(shapes.get('group2.conv1.weight')).toEqual([256, 64, 3, 3]);
    expect(shapes.get('head.weight')).toEqual([10, 256]);
    expect(shapes.has('head.bias')).toBe(false);
  });

  test('counters are int64, everything else float32', () => {
    const { tensors } = describeModel('model=cnn');
    expect(tensors.length).toBeGreaterThan(10);
    for (const { name, dtype } of tensors)
      expect(dtype).toBe(name.endsWith('num_batches_tracked') ? 'I64' : 'F32');
  });
});
