// Composition of the configuration from conf/, a file, values and overrides, and its way back to YAML.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  configToSnake,
  configToYaml,
  listGroups,
  listOptions,
  loadConfig,
  modelLabel,
  parseConfig,
} from '../../../lib/config/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cifar10-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function configFile(text: string): Promise<string> {
  const path = join(folder, 'config.yaml');
  await writeFile(path, text);
  return path;
}

describe('the defaults', () => {
  test('are the fast recipe, in camelCase and frozen at every depth', () => {
    const config = loadConfig();
    expect(config.model.name).toBe('fast');
    expect(config.dataLoading.batchSize).toBe(2000);
    expect(config.training.labelSmoothing).toBe(0.2);
    expect(config.training.optimizer).toMatchObject({ name: 'muon', companion: { vectorLr: 0.053 } });
    expect(config.outputDir).toBe('outputs');
    const parts = [config, config.training.schedule, config.dataLoading.normalization.mean];
    expect(parts.every(Object.isFrozen)).toBe(true);
  });

  test('of every option of every group are valid', () => {
    expect(listGroups()).toEqual(expect.arrayContaining(['data_loading', 'model', 'training']));
    const picks = ['data_loading', 'model', 'training'].flatMap((group) =>
      listOptions(group).map((option) => `${group}=${option}`),
    );
    expect(picks).toEqual(expect.arrayContaining(['data_loading=sample', 'model=fast', 'training=fast94']));
    for (const pick of picks) expect(loadConfig({ overrides: [pick] })).toBeDefined();
  });

  test('of a model bring a training that suits it, unless one is picked by hand', () => {
    expect(loadConfig({ overrides: ['model=resnet20'] }).training).toMatchObject({ lossReduction: 'mean' });
    const { optimizer } = loadConfig({ overrides: ['training=standard', 'model=resnet20'] }).training;
    expect(optimizer.name).toBe('sgd');
    expect(() => loadConfig({ overrides: ['model=resnet20', 'training=fast94'] })).toThrowError(
      expect.objectContaining({
        code: 'CONFIG_INVALID_VALUE',
        message: expect.stringContaining('training=muon'),
      }),
    );
  });

  test('go to YAML and back, whatever was picked', async () => {
    const overrides = ['model=cnn', 'training=standard', 'data_loading=sample', 'training.optimizer.lr=0.3'];
    const config = loadConfig({ overrides });
    expect(configToYaml(config)).toContain('convs_per_stage: 2');
    expect(loadConfig({ config: await configFile(configToYaml(config)) })).toEqual(config);
    expect(parseConfig(JSON.parse(JSON.stringify(configToSnake(config))))).toEqual(config);
  });
});

describe('a config file', () => {
  test('picks options, sets values and yields to overrides', async () => {
    const config = await configFile(
      'defaults:\n  - model: resnet20\n  - training: standard\n  - _self_\ntraining:\n  epochs: 2.5\n  optimizer: {lr: 0.2}\n',
    );
    const loaded = loadConfig({ config, overrides: ['training.optimizer.lr=0.3', 'model=resnet18'] });
    expect(loaded.model).toMatchObject({ name: 'resnet', depth: 18 });
    expect(loaded.training).toMatchObject({
      epochs: 2.5,
      optimizer: { name: 'sgd', lr: 0.3, momentum: 0.9 },
    });
  });

  test('may be empty', async () => {
    expect(loadConfig({ config: await configFile('# nothing yet\n') })).toEqual(loadConfig());
  });

  test('that is missing or is a folder is named', () => {
    const missing = join(folder, 'none.yaml');
    expect(() => loadConfig({ config: missing })).toThrow(
      expect.objectContaining({ code: 'CONFIG_FILE_NOT_FOUND', message: expect.stringContaining(missing) }),
    );
    expect(() => loadConfig({ config: folder })).toThrow(
      expect.objectContaining({ code: 'CONFIG_FILE_INVALID', found: 'EISDIR' }),
    );
  });

  test('that is not YAML is refused with line and column', async () => {
    const config = await configFile('training:\n  epochs: [1, 2\nmodel: {}\n');
    expect(() => loadConfig({ config })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_FILE_INVALID',
        found: expect.stringMatching(/config\.yaml:3:\d+/),
      }),
    );
  });

  test.each([
    ['a list', '- 1\n'],
    ['a key twice', 'model: {}\nmodel: {}\n'],
    ['an alias without anchor', 'output_dir: *x\n'],
    ['an unknown tag', 'output_dir: !x y\n'],
    ['defaults that are no list', 'defaults: {model: cnn}\n'],
    ['defaults with an item of two', 'defaults:\n  - {model: cnn, training: standard}\n'],
    ['defaults with _self_ before the end', 'defaults:\n  - _self_\n  - model: cnn\n'],
  ])('with %s is refused', async (_name, text) => {
    const config = await configFile(text);
    expect(() => loadConfig({ config })).toThrow(expect.objectContaining({ code: 'CONFIG_FILE_INVALID' }));
  });

  test('with an unknown group or option is refused', async () => {
    for (const text of ['defaults: [modle: cnn]', 'defaults: [model: cn]']) {
      const config = await configFile(text);
      expect(() => loadConfig({ config })).toThrow(
        expect.objectContaining({ code: 'CONFIG_UNKNOWN_OPTION' }),
      );
    }
  });
});

describe('values', () => {
  test('are camelCase, come after the file and before overrides', async () => {
    const config = await configFile('training: {seed: 1, epochs: 1, threads: 1}\n');
    const values = { training: { seed: 2, epochs: 2, labelSmoothing: 0, device: undefined } };
    const { training } = loadConfig({ config, values, overrides: ['training.seed=3'] });
    expect(training).toMatchObject({ seed: 3, epochs: 2, threads: 1, labelSmoothing: 0, device: 'auto' });
  });
});

describe('overrides', () => {
  test('read numbers, null, lists and maps as YAML does', () => {
    const { training, dataLoading } = loadConfig({
      overrides: [
        'training.optimizer.lr=1e-3',
        'training.threads=2',
        'training.threads=null',
        'data_loading.data_dir="/data/my #1"',
        'data_loading.normalization.mean=[0, 0.5, 1]',
        'data_loading.augmentation={flip: none, translate: 0}',
        'training.schedule.name=cosine',
      ],
    });
    expect(training).toMatchObject({ optimizer: { lr: 0.001 }, threads: null, schedule: { name: 'cosine' } });
    expect(dataLoading).toMatchObject({
      dataDir: '/data/my #1',
      normalization: { mean: [0, 0.5, 1] },
      augmentation: { flip: 'none', translate: 0, padding: 'reflect' },
    });
  });

  test('pick options before they set values, whatever their order', () => {
    const { model } = loadConfig({ overrides: ['model.depth=56', 'model=resnet20'] });
    expect(model).toMatchObject({ name: 'cifar_resnet', depth: 56 });
  });

  test('that change the name of a model or an optimizer start it anew', () => {
    const sgd = ['name=sgd', 'lr=0.1', 'momentum=0.9', 'nesterov=true', 'weight_decay=0'];
    const { training } = loadConfig({ overrides: sgd.map((pair) => `training.optimizer.${pair}`) });
    expect(training.optimizer).toEqual({
      name: 'sgd',
      lr: 0.1,
      momentum: 0.9,
      nesterov: true,
      weightDecay: 0,
    });
    expect(() => loadConfig({ overrides: ['model.name=cnn'] })).toThrow(
      /"model.widths" expected .*, found nothing/,
    );
  });

  test.each([
    'training.epochs',
    '=3',
    'a..b=1',
    'a b=1',
    '+a=1',
    '++a=1',
    '~a',
    'output_dir=[1',
    'output_dir=a: b',
    'output_dir=a #b',
    'output_dir=*a',
  ])('%s is refused as malformed', (override) => {
    expect(() => loadConfig({ overrides: [override] })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID_OVERRIDE',
        message: expect.stringContaining(override),
      }),
    );
  });

  test('with an unknown option list the options and the nearest', () => {
    expect(() => loadConfig({ overrides: ['model=resnet-20'] })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNKNOWN_OPTION',
        expected: `one of ${listOptions('model').join(', ')}`,
        found: '"resnet-20"',
        nextStep: expect.stringContaining('"resnet20"'),
      }),
    );
    expect(() => loadConfig({ overrides: ['model=../training/fast94'] })).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_OPTION' }),
    );
  });
});

test('modelLabel gives the names of the field', () => {
  const labels = ['fast', 'cnn', 'resnet20', 'resnet18'];
  expect(labels.map((option) => modelLabel(loadConfig({ overrides: [`model=${option}`] }).model))).toEqual(
    labels,
  );
});
