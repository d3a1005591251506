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

const FACTOR = 'a number from 1/16 to 64 of which 16 times is a whole number (0.25, 4, 10…)';

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
    ['training.precision=fp16', 'one of auto, bf16, fp32', '"fp16"'],
    ['training.eval_batch_size=10001', 'an integer from 1 to 10000', '10001'],
    ['training.schedule.warmup_fraction=1.1', 'a number from 0 to 1', '1.1'],
    ['training.optimizer.name=lion', 'one of sgd, adam, adamw, muon', '"lion"'],
    ['training.optimizer=sgd', 'a map of keys', '"sgd"'],
    ['data_loading.batch_size=0', 'an integer from 1 to 50000', '0'],
    ['data_loading.validation=1', 'none, or a number above 0 and below 1', '1'],
    ['data_loading.validation=0', 'none, or a number above 0 and below 1', '0'],
    ['data_loading.validation=null', 'none, or a number above 0 and below 1', 'null'],
    ['data_loading.augmentation.cutout.size=33', 'an integer from 0 to 32', '33'],
    ['data_loading.augmentation.random_erasing.min_area=0.5', 'at most max_area', '0.5'],
    ['data_loading.augmentation.random_erasing.min_ratio=4', 'at most max_ratio', '4'],
    ['data_loading.augmentation.color_jitter.hue=0.6', 'a number from 0 to 0.5', '0.6'],
    ['data_loading.augmentation.color_jitter.contrast=-1', 'a number of at least 0', '-1'],
    ['data_loading.augmentation.mixup_alpha=-1', 'a number of at least 0', '-1'],
    [
      'data_loading.augmentation.policy={name: rand_augment, operations: 2, magnitude: 31}',
      'an integer from 0 to 30',
      '31',
    ],
    [
      'data_loading.augmentation.policy={name: rand_augment, operations: 2}',
      'an integer from 0 to 30',
      'nothing',
    ],
    [
      'data_loading.augmentation.policy.name=auto_augment',
      'one of none, rand_augment, trivial_augment',
      '"auto_augment"',
    ],
    ['data_loading.drop_last=1', 'true or false', '1'],
    ['data_loading.data_dir=', 'a path or null', '""'],
    ['data_loading.augmentation.translate=17', 'an integer from 0 to 16', '17'],
    ['data_loading.normalization.std=[0.2, 0.2]', 'a list of three numbers, for R, G and B', '[0.2,0.2]'],
    ['data_loading.normalization.std=[0.2, 0, 0.2]', 'a number above 0', '0'],
    ['model.name=typo', 'one of fast, cnn, cifar_resnet, resnet, preact_resnet, wide_resnet', '"typo"'],
    ['model.widths=[64, 256]', 'a list of 3 values', '[64,256]'],
    ['model.widths=[64, 256, 5000]', 'an integer from 1 to 4096', '5000'],
    ['model.whitening.epsilon=0', 'a number above 0', '0'],
    ['model.whitening.bias_epochs=-1', 'a number of at least 0', '-1'],
    ['model.whitening.bias_decays=1', 'true or false', '1'],
    ['model.whitening.bias_init=ones', 'one of uniform, zero', '"ones"'],
    ['model.head_init=zero', 'one of uniform, unit_variance', '"zero"'],
    ['model.convs_per_group=4', '2 or 3', '4'],
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
    expect(failure('model=resnet18', 'model.depth=20')).toMatchObject({
      expected: '18, 34 or 50',
      found: '20',
    });
    expect(failure('model=cnn', 'model.widths=[]')).toMatchObject({ found: '[]' });
  });

  test.each([
    ['resnet20', 'model.depth=21', '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…); nearest: 20 and 26', '21'],
    ['resnet20', 'model.depth=7', '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…); nearest: 8', '7'],
    ['resnet20', 'model.depth=-50', '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…); nearest: 8', '-50'],
    ['resnet20', 'model.depth=1203', '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…); nearest: 1202', '1203'],
    ['resnet20', 'model.depth=2000', '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…); nearest: 1202', '2000'],
    ['resnet20', 'model.depth=20.5', '6k + 2 from 8 to 1202 (20, 32, 44, 56, 110…)', '20.5'],
    ['resnet20', 'model.width=0', 'an integer from 1 to 1024', '0'],
    ['resnet18', 'model.width=0', 'an integer from 1 to 512', '0'],
    ['resnet18', 'model.width=513', 'an integer from 1 to 512', '513'],
    ['preact_resnet18', 'model.depth=101', '18, 34 or 50', '101'],
    ['wrn28_10', 'model.depth=20', '6k + 4 from 10 to 1204 (16, 22, 28, 40…); nearest: 16 and 22', '20'],
    ['wrn28_10', 'model.depth=4', '6k + 4 from 10 to 1204 (16, 22, 28, 40…); nearest: 10', '4'],
    ['wrn28_10', 'model.widen_factor=0.3', `${FACTOR}; nearest: 0.3125`, '0.3'],
    ['wrn28_10', 'model.widen_factor=0', `${FACTOR}; nearest: 0.0625`, '0'],
    ['wrn28_10', 'model.widen_factor=100', `${FACTOR}; nearest: 64`, '100'],
    ['wrn28_10', 'model.widen_factor=wide', FACTOR, '"wide"'],
    ['wrn28_10', 'model.dropout=1', 'a number of at least 0 and below 1', '1'],
    ['cnn', 'model.dropout=-0.1', 'a number of at least 0 and below 1', '-0.1'],
    ['cnn', 'model.norm=layer', 'one of batch, group, none', '"layer"'],
    ['cnn', 'model.groups=0', 'an integer from 1 to 4096', '0'],
  ])('%s %s names what is valid', (option, override, expected, found) => {
    expect(failure(`model=${option}`, override)).toMatchObject({
      code: 'CONFIG_INVALID_VALUE',
      expected,
      found,
    });
  });

  test('of groups hold with group norm only, and name the divisors', () => {
    const odd = ['model=cnn', 'model.widths=[12,18]', 'model.groups=4'];
    expect(failure(...odd, 'model.norm=group')).toMatchObject({
      code: 'CONFIG_INVALID_VALUE',
      message: expect.stringContaining('config key "model.groups"'),
      expected: 'a divisor of every width (12, 18): 1, 2, 3, 6',
      found: '4',
    });
    expect(failure(...odd)).toMatchObject({ model: { groups: 4 } });
    expect(failure('model=cnn', 'model.norm=group')).toMatchObject({ model: { groups: 8 } });
  });

  const MIXUP = 'data_loading.augmentation.mixup_alpha=0.2';
  const CUTMIX = 'data_loading.augmentation.cutmix_alpha=1';
  const monitor = (figure: string) => `training.early_stopping.monitor=${figure}`;
  test.each([
    [[monitor('train_accuracy'), MIXUP], 'another figure beside mixup or cutmix'],
    [[monitor('train_accuracy'), CUTMIX], 'another figure beside mixup or cutmix'],
    [[monitor('val_accuracy')], 'none, train_loss or train_accuracy; a val figure only where'],
    [['training.select=best_val_loss'], 'last; the best epoch only where data_loading.validation'],
    [['training.accumulation_steps=3'], 'a number that divides data_loading.batch_size'],
    [['model=resnet20', 'training=standard', 'training.optimizer.momentum=0'], 'false without momentum'],
    [['training.lookahead={steps: 5, decay: 1, power: 0}'], 'above 0 beside a decay of 1'],
  ])('contradictions are refused: %j', (overrides, expected) => {
    expect(failure(...overrides)).toMatchObject({
      code: 'CONFIG_INVALID_VALUE',
      expected: expect.stringContaining(expected),
    });
  });

  test('what goes together is not refused', () => {
    const fine = [
      [monitor('train_loss'), MIXUP],
      [monitor('val_accuracy'), MIXUP, 'data_loading.validation=0.1', 'training.select=best_val_loss'],
      ['training.accumulation_steps=4'],
    ];
    for (const overrides of fine) expect(() => loadConfig({ overrides })).not.toThrow();
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
      expected:
        'one of model.name, model.widths, model.convs_per_group, model.whitening, model.batch_norm, model.head_init, model.logit_divisor',
    });
    expect(failure('training.optimizer.nesterov=true')).toMatchObject({
      message: expect.stringContaining('is not a key of optimizer muon'),
    });
  });

  test('may be a group that was meant', () => {
    expect(failure('+expriment=resnet20')).toMatchObject({
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
