// Composition of the configuration from conf/, a file, values and overrides, and its way back to YAML.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KnownOptions, LoadConfigOptions } from '../../../lib/config/index.js';
import {
  type ConfigDefinition,
  composeConfig,
  configToSnake,
  configToYaml,
  defineConfig,
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
        message: expect.stringMatching(/config\.yaml:3:\d+/),
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
    ['defaults with _self_ twice', 'defaults:\n  - _self_\n  - _self_\n'],
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

describe('a definition in a program', () => {
  test('is a config file in camelCase, typed', () => {
    const config = defineConfig({
      defaults: { model: 'resnet20', training: 'standard' },
      training: { epochs: 2, labelSmoothing: 0.1, device: undefined, optimizer: { lr: 0.2 } },
    });
    const { model, training } = loadConfig({ config, overrides: ['training.seed=3'] });
    expect(model).toMatchObject({ name: 'cifar_resnet', depth: 20 });
    expect(training).toMatchObject({ seed: 3, epochs: 2, labelSmoothing: 0.1, device: 'auto' });
    expect(training.optimizer).toMatchObject({ name: 'sgd', lr: 0.2, momentum: 0.9 });
  });

  test('is checked by the compiler, key by key', () => {
    defineConfig({
      training: { epochs: 2, optimizer: { name: 'sgd', nesterov: true } },
      model: { depth: 20 },
    });
    // @ts-expect-error a key that does not exist
    defineConfig({ training: { epochs: 2, epoch: 3 } });
    // @ts-expect-error a value of another type
    defineConfig({ training: { device: 'gpu' } });
    // @ts-expect-error a group that does not exist
    defineConfig({ defaults: { modle: 'fast' } });
  });

  test('of another kind is refused', () => {
    const load = (options: object) => () => loadConfig(options as LoadConfigOptions);
    for (const options of [
      { config: null },
      { config: [] },
      { config: 3 },
      { overrides: 'a=1' },
      { overrides: [1] },
    ])
      expect(load(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(load({ config: { training: { optimizer: new Date() } } })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });

  test('is checked like a file', () => {
    const config = { training: { epoch: 2 } } as unknown as ConfigDefinition;
    expect(() => loadConfig({ config })).toThrow(expect.objectContaining({ code: 'CONFIG_UNKNOWN_KEY' }));
    expect(() => loadConfig({ config: { defaults: { model: 'resnet-20' } } })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNKNOWN_OPTION',
        nextStep: expect.stringContaining('resnet20'),
      }),
    );
  });

  test('completes the options that conf/ has', () => {
    const known: { [Group in keyof KnownOptions]: Record<KnownOptions[Group], true> } = {
      dataLoading: {
        cifar10: true,
        cifar10_fast94_sgd: true,
        cifar10_fast96: true,
        cifar10_rand_augment: true,
        cifar10_standard: true,
        cifar10_wrn: true,
        sample: true,
      },
      model: {
        cnn: true,
        fast: true,
        fast95: true,
        fast96: true,
        preact_resnet18: true,
        preact_resnet34: true,
        resnet110: true,
        resnet18: true,
        resnet20: true,
        resnet32: true,
        resnet34: true,
        resnet44: true,
        resnet50: true,
        resnet56: true,
        wrn16_4: true,
        wrn16_8: true,
        wrn28_10: true,
        wrn40_4: true,
      },
      training: { adamw: true, fast94: true, fast94_sgd: true, muon: true, standard: true },
      experiment: {
        fast94: true,
        fast94_sgd: true,
        fast95: true,
        fast96: true,
        resnet18: true,
        resnet20: true,
        wrn28_10: true,
      },
    };
    const listed = {
      data_loading: known.dataLoading,
      model: known.model,
      training: known.training,
      experiment: known.experiment,
    };
    expect(listGroups()).toEqual(Object.keys(listed).sort());
    for (const [group, options] of Object.entries(listed))
      expect(listOptions(group)).toEqual(Object.keys(options));
  });
});

describe('a folder of one’s own', () => {
  test('adds options and groups beside those of conf/', () => {
    const configDir = mkdtempSync(join(folder, 'conf-'));
    mkdirSync(join(configDir, 'model'));
    writeFileSync(join(configDir, 'model', 'tiny.yaml'), 'defaults: [cnn, _self_]\nwidths: [8, 8]\n');
    const { model } = loadConfig({ configDir, overrides: ['model=tiny'] });
    expect(model).toMatchObject({ name: 'cnn', widths: [8, 8], convsPerStage: 2 });
    expect(listOptions('model', configDir)).toContain('tiny');
  });
});

describe('references', () => {
  test('are resolved before the check, and kept as they were written beside it', () => {
    const overrides = ['output_dir=out/${oc.env:WHO}_${now:%Y}_${training.seed}', 'training.seed=4'];
    const { config, unresolved } = composeConfig({
      overrides,
      env: { WHO: 'me' },
      now: new Date(2026, 5, 1),
    });
    expect(config.outputDir).toBe('out/me_2026_4');
    expect(unresolved.output_dir).toBe('out/${oc.env:WHO}_${now:%Y}_${training.seed}');
  });

  test('and texts that look like numbers survive YAML', async () => {
    const config = loadConfig({ overrides: ["output_dir='1_000'"] });
    expect(loadConfig({ config: await configFile(configToYaml(config)) })).toEqual(config);
  });

  test('that were resolved to a text like a reference stay a text in YAML', async () => {
    const config = loadConfig({ overrides: ['output_dir=${oc.env:ODD}'], env: { ODD: 'a${b}' } });
    expect(config.outputDir).toBe('a${b}');
    expect(loadConfig({ config: await configFile(configToYaml(config)) })).toEqual(config);
  });
});

test.each([
  ['fast94', 'fast', 8, 2000, 'muon', 0.24, 'linear'],
  ['fast94_sgd', 'fast', 9.9, 1024, 'sgd', 0.0014648438, 'triangular'],
  ['fast95', 'fast', 15, 1024, 'sgd', 0.0012737772, 'triangular'],
  ['fast96', 'fast', 37, 1024, 'sgd', 0.0011463995, 'triangular'],
  ['resnet18', 'resnet', 200, 128, 'sgd', 0.1, 'cosine'],
  ['resnet20', 'cifar_resnet', 200, 128, 'sgd', 0.1, 'cosine'],
  ['wrn28_10', 'wide_resnet', 200, 128, 'sgd', 0.1, 'multi_step'],
])('experiment %s trains %s for %d epochs in batches of %d with %s, lr %d, %s', (...row) => {
  const [experiment, model, epochs, batchSize, optimizer, lr, schedule] = row;
  expect(loadConfig({ overrides: [`+experiment=${experiment}`] })).toMatchObject({
    model: { name: model },
    dataLoading: { batchSize },
    training: { epochs, optimizer: { name: optimizer, lr }, schedule: { name: schedule } },
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
    const map =
      '{name: sgd, lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0, decay_norms_and_biases: true, norm_lr_scale: 1}';
    const { training } = loadConfig({ overrides: [`training.optimizer=${map}`] });
    expect(training.optimizer).toEqual({
      name: 'sgd',
      lr: 0.1,
      momentum: 0.9,
      nesterov: true,
      weightDecay: 0,
      decayNormsAndBiases: true,
      normLrScale: 1,
    });
    expect(() => loadConfig({ overrides: ['model={name: cnn}'] })).toThrow(
      /"model.widths" expected .*, found nothing/,
    );
  });

  test('may add a key that its map lacks only with +', () => {
    const lr = ['training.optimizer={name: sgd}', 'training.optimizer.lr=0.1'];
    expect(() => loadConfig({ overrides: lr })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNKNOWN_KEY',
        nextStep: 'write +training.optimizer.lr=0.1 to add it',
      }),
    );
    const rest = [
      'lr=0.1',
      'momentum=0.9',
      'nesterov=true',
      'weight_decay=0',
      'decay_norms_and_biases=true',
      'norm_lr_scale=1',
    ];
    const overrides = [
      'training.optimizer={name: sgd}',
      ...rest.map((pair) => `+training.optimizer.${pair}`),
    ];
    expect(loadConfig({ overrides }).training.optimizer).toMatchObject({ name: 'sgd', nesterov: true });
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
  const labels = ['fast', 'cnn', 'resnet20', 'resnet50', 'preact_resnet18', 'wrn28_10'];
  expect(labels.map((option) => modelLabel(loadConfig({ overrides: [`model=${option}`] }).model))).toEqual(
    labels,
  );
  const label = (...overrides: string[]) => modelLabel(loadConfig({ overrides }).model);
  expect(label('model=fast96')).toBe('fast');
  expect(label('model=resnet20', 'model.width=32')).toBe('resnet20_w32');
  expect(label('model=wrn16_4', 'model.widen_factor=0.25')).toBe('wrn16_0.25');
});
