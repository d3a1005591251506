// Ranges and unknown keys: each mistake gives a code, the key as YAML spells it, what was expected and found.
import { describe, expect, test } from 'vitest';
import { loadConfig, parseConfig } from '../../../lib/config/index.js';

function failure(...overrides: string[]): unknown {
  try {
    return loadConfig({ overrides });
  } catch (error) {
    return error;
  }
}

describe('ranges', () => {
  test.each([
    ['training.optimizer.lr=-1', 'a number above 0', '-1'],
    ['training.optimizer.lr=0', 'a number above 0', '0'],
    ['training.optimizer.lr=nan', 'a number above 0', 'NaN'],
    ['training.optimizer.lr=fast', 'a number above 0', '"fast"'],
    ['training.optimizer.momentum=1', 'a number of at least 0 and below 1', '1'],
    ['training.optimizer.companion.weight_decay=-0.1', 'a number of at least 0', '-0.1'],
    ['training.epochs=0', 'a number above 0 and at most 100000', '0'],
    ['training.epochs=inf', 'a number above 0 and at most 100000', 'Infinity'],
    ['training.seed=4294967296', 'an integer from 0 to 4294967295', '4294967296'],
    ['training.seed=1.5', 'an integer from 0 to 4294967295', '1.5'],
    ['training.label_smoothing=1', 'a number of at least 0 and below 1', '1'],
    ['training.tta_level=3', '0, 1 or 2', '3'],
    ['training.threads=0', 'an integer from 1 to 1024, or null', '0'],
    ['training.device=gpu', 'one of auto, cpu, cuda', '"gpu"'],
    ['training.precision=fp16', 'one of bf16, fp32', '"fp16"'],
    ['training.eval_batch_size=10001', 'an integer from 1 to 10000', '10001'],
    ['training.schedule.warmup_fraction=1.1', 'a number from 0 to 1', '1.1'],
    ['training.optimizer.name=lion', 'one of sgd, adam, adamw, muon', '"lion"'],
    ['training.optimizer=sgd', 'a map of keys', '"sgd"'],
    ['data_loading.batch_size=0', 'an integer from 1 to 50000', '0'],
    ['data_loading.val_size=50000', 'an integer from 0 to 49999', '50000'],
    ['data_loading.drop_last=1', 'true or false', '1'],
    ['data_loading.data_dir=', 'a path or null', '""'],
    ['data_loading.augmentation.translate=17', 'an integer from 0 to 16', '17'],
    ['data_loading.normalization.std=[0.2, 0.2]', 'a list of three numbers, for R, G and B', '[0.2,0.2]'],
    ['data_loading.normalization.std=[0.2, 0, 0.2]', 'a number above 0', '0'],
    ['model.name=typo', 'one of fast, cnn, cifar_resnet, resnet', '"typo"'],
    ['model.widths=[64, 256]', 'a list of 3 values', '[64,256]'],
    ['model.widths=[64, 256, 5000]', 'an integer from 1 to 4096', '5000'],
    ['model.whitening.epsilon=0', 'a number above 0', '0'],
    ['model.whitening.bias_epochs=-1', 'a number of at least 0', '-1'],
  ])('%s', (override, expected, found) => {
    expect(failure(override)).toMatchObject({ code: 'CONFIG_INVALID_VALUE', expected, found });
  });

  test('depend on the model', () => {
    for (const depth of [7, 2, 21, 1208, 20.5])
      expect(failure('model=resnet20', `model.depth=${depth}`)).toMatchObject({
        code: 'CONFIG_INVALID_VALUE',
        expected: expect.stringContaining('20, 32, 44, 56, 110'),
      });
    for (const depth of [8, 110, 1202])
      expect(failure('model=resnet20', `model.depth=${depth}`)).toMatchObject({ model: { depth } });
    expect(failure('model=resnet18', 'model.depth=34')).toMatchObject({ model: { depth: 34 } });
    expect(failure('model=resnet18', 'model.depth=20')).toMatchObject({ expected: '18 or 34', found: '20' });
    expect(failure('model=cnn', 'model.widths=[]')).toMatchObject({ found: '[]' });
  });

  test('are all checked at once, in one line', () => {
    const error = failure('training.optimizer.lr=-1', 'data_loading.batch_size=0');
    expect(error).toMatchObject({ code: 'CONFIG_INVALID_VALUE' });
    expect(String(error)).toMatch(
      /2 config values .*"data_loading.batch_size" \(override "data_loading.batch_size=0", character 25\) expected an integer from 1 to 50000, found 0; "training.optimizer.lr" \(.*\) expected a number above 0, found -1/,
    );
  });
});

describe('unknown keys', () => {
  test.each([
    ['training.epoch=3', 'training.epoch', 'training.epochs'],
    ['lr=1', 'lr', 'training.optimizer.lr'],
    ['trainning.epochs=3', 'trainning', 'training'],
    ['modle=fast', 'modle', 'model'],
    ['training.batch_size=8', 'training.batch_size', 'data_loading.batch_size'],
    ['training.momentum=0.5', 'training.momentum', 'training.optimizer.momentum'],
  ])('%s names the nearest valid key', (override, key, nearest) => {
    expect(failure(override)).toMatchObject({
      code: 'CONFIG_UNKNOWN_KEY',
      message: expect.stringContaining(`"${key}" is not a key of`),
      nextStep: `use the nearest valid key, "${nearest}"`,
    });
  });

  test('of another model or optimizer are said to be so', () => {
    expect(failure('model.depth=20')).toMatchObject({
      code: 'CONFIG_UNKNOWN_KEY',
      message: expect.stringContaining('"model.depth" is not a key of model fast'),
      expected: 'one of model.name, model.widths, model.whitening, model.batch_norm, model.logit_divisor',
    });
    expect(failure('training.optimizer.nesterov=true')).toMatchObject({
      message: expect.stringContaining('is not a key of optimizer muon'),
    });
  });

  test('may be a group that was meant', () => {
    expect(failure('+expriment=resnet20_sgd')).toMatchObject({
      code: 'CONFIG_UNKNOWN_KEY',
      nextStep: 'pick an option of the nearest group, +experiment=<option>',
    });
    expect(failure('+completely_else=1')).toMatchObject({ nextStep: expect.stringContaining('config keys') });
  });

  test('left by another name are a matter of the name', () => {
    expect(failure('training.optimizer.name=sgd')).toMatchObject({
      code: 'CONFIG_UNKNOWN_KEY',
      nextStep: expect.stringContaining('give the whole map, training.optimizer={name: …, …}'),
    });
  });

  test('come before invalid values and are all named', () => {
    expect(failure('training.foo=1', 'training.bar=1', 'training.epochs=-1')).toMatchObject({
      code: 'CONFIG_UNKNOWN_KEY',
      found: '"training.foo", "training.bar"',
    });
  });

  test('cannot reach the prototype', () => {
    expect(failure('__proto__.polluted=1')).toMatchObject({ code: 'CONFIG_UNKNOWN_KEY' });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

test.each([[null], [[]], ['fast'], [{}]])('parseConfig refuses %j', (tree) => {
  expect(() => parseConfig(tree)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID_VALUE' }));
});
