import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import { evaluate, type TrainEvent, train } from '../../lib/index.js';
import { readSample, SAMPLE_TRAIN, temporaryFolder, trainSample } from '../support.js';

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

test('the default recipe learns from 1,000 images: at least 55 % of 500 others', async () => {
  // Seeds 0 to 5 gave 64.8 to 66.8 %; always saying the commonest class would give 10 %.
  const run = await train({ overrides: ['data_loading=sample', `output_dir=${temporaryFolder()}`] });
  expect(run.test.accuracy).toBeGreaterThan(0.55);
  expect(run.test.ttaAccuracy).toBeGreaterThan(0.55);
  expect(run.test.crossEntropy).toBeLessThan(1.5);
  expect(run).toMatchObject({ model: 'fast', seed: 0, epochs: 8, steps: 80 });
});

describe('every model learns the sample with every optimizer', () => {
  const SGD = ['training=standard', 'training.label_smoothing=0'];
  test.each([
    ['fast', 'muon', []],
    ['cnn', 'muon', ['training=muon']],
    ['resnet20', 'muon', ['training=muon']],
    ['cnn', 'sgd', SGD],
    ['resnet20', 'sgd', SGD],
  ])('%s with %s', async (model, _optimizer, overrides) => {
    const small = model === 'resnet20' ? [] : ['model.widths=[16,32,32]'];
    const result = await train({
      overrides: [
        'data_loading=sample',
        `model=${model}`,
        ...overrides,
        ...small,
        'training.epochs=5',
        'training.tta_level=0',
        `output_dir=${temporaryFolder()}`,
      ],
    });
    expect(result.test.accuracy).toBeGreaterThan(0.2); // chance is 0.1
    expect(result.test.ttaAccuracy).toBeNull();
  });

  test('resnet18 takes a step', async () => {
    const overrides = [
      'data_loading=sample',
      'model=resnet18',
      'training.epochs=0.1',
      'training.tta_level=0',
      'data_loading.batch_size=16',
    ];
    const result = await train({ overrides: [...overrides, `output_dir=${temporaryFolder()}`] });
    expect(result.steps).toBe(7); // a tenth of 62 batches, rounded up
    expect(Number.isFinite(result.test.crossEntropy)).toBe(true);
  });
});

describe('seeds', () => {
  test('the same seed gives the same weights bit for bit, another seed gives others', async () => {
    // The checkpoint holds output_dir, so both runs use the same one.
    const folder = temporaryFolder();
    const runs = [0, 0, 1].map((seed) => () => trainSample(folder, [`training.seed=${seed}`]));
    const hashes = [];
    for (const run of runs) hashes.push(sha256((await run()).checkpoint));
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  test('float32 is as repeatable as bfloat16, and gives other weights', async () => {
    const folder = temporaryFolder();
    const weights = async (precision: string) => {
      const { checkpoint } = await trainSample(folder, [`training.precision=${precision}`]);
      const { tensors } = await readCheckpoint(checkpoint);
      return Buffer.from(tensors.get('head.weight')?.data ?? []).toString('hex');
    };
    const [first, second, half] = [await weights('fp32'), await weights('fp32'), await weights('bf16')];
    expect(second).toBe(first);
    expect(half).not.toBe(first);
  });
});

test('the whitening layer whitens: filtered patches are uncorrelated with unit variance', async () => {
  const { checkpoint } = await trainSample(temporaryFolder(), ['model.whitening.epsilon=1e-9']);
  const { tensors } = await readCheckpoint(checkpoint);
  const bytes = Uint8Array.from(tensors.get('whiten.weight')?.data ?? []);
  const filters = new Float32Array(bytes.buffer); // [24,3,2,2]
  const mean = [0.4914, 0.4822, 0.4465];
  const std = [0.247, 0.2435, 0.2616];
  const moments = new Float64Array(144);
  let patches = 0;
  for (const { pixels } of readSample(SAMPLE_TRAIN))
    for (let y = 0; y < 31; y++)
      for (let x = 0; x < 31; x++, patches++) {
        const patch = Array.from({ length: 12 }, (_, i) => {
          const channel = Math.floor(i / 4);
          const pixel = pixels[channel * 1024 + (y + (Math.floor(i / 2) % 2)) * 32 + x + (i % 2)] as number;
          return (pixel / 255 - (mean[channel] as number)) / (std[channel] as number);
        });
        const outputs = Array.from({ length: 12 }, (_, f) =>
          patch.reduce((sum, value, i) => sum + value * (filters[f * 12 + i] as number), 0),
        );
        for (let i = 0; i < 144; i++)
          moments[i] =
            (moments[i] as number) + (outputs[Math.floor(i / 12)] as number) * (outputs[i % 12] as number);
      }
  for (let i = 0; i < 144; i++)
    expect((moments[i] as number) / patches).toBeCloseTo(Math.floor(i / 12) === i % 12 ? 1 : 0, 2);
  for (let i = 0; i < 144; i++) expect(filters[144 + i]).toBe(-(filters[i] as number)); // the other 12 are negatives
});

test('a training that diverges is an error, not a checkpoint', async () => {
  const folder = temporaryFolder();
  const overrides = ['model=cnn', 'model.widths=[8]', 'training=standard', 'training.optimizer.lr=1e30'];
  const run = train({ overrides: ['data_loading=sample', ...overrides, `output_dir=${folder}`] });
  await expect(run).rejects.toMatchObject({
    code: 'TRAINING_DIVERGED',
    message: expect.stringMatching(/expected a finite loss, found -?(nan|inf)/),
    nextStep: expect.stringContaining('training.optimizer'),
  });
  expect(readdirSync(folder)).toEqual([]);
});

test('events tell the whole story, also to one who listens late', async () => {
  const run = trainSample(temporaryFolder(), ['training.epochs=2', 'data_loading.validation=0.2']);
  const result = await run;
  const events: TrainEvent[] = [];
  for await (const event of run) events.push(event);
  const ofType = (type: TrainEvent['type']) => events.filter((event) => event.type === type);
  expect(events[0]).toMatchObject({
    type: 'start',
    trainImages: 800,
    valImages: 200,
    testImages: 500,
    steps: 16,
  });
  expect(ofType('step').map((event) => 'step' in event && event.step)).toEqual(
    Array.from({ length: 16 }, (_, i) => i + 1),
  );
  expect(ofType('epoch')).toHaveLength(2);
  expect(ofType('epoch')[1]).toMatchObject({ epoch: 2, step: 16, val: { accuracy: expect.any(Number) } });
  expect(ofType('test').at(-1)).toMatchObject({ done: 500, total: 500 });
  expect(readFileSync(`${result.runDir}/metrics.jsonl`, 'utf8').trim().split('\n')).toHaveLength(2);
});

test('the run folder holds everything about the run, and evaluation of its checkpoint agrees with it', async () => {
  const result = await trainSample(temporaryFolder(), ['training.tta_level=2']);
  expect(readdirSync(result.runDir).sort()).toEqual([
    'checkpoint.safetensors',
    'config.yaml',
    'metrics.csv',
    'metrics.jsonl',
    'overrides.yaml',
    'run.json',
    'train.log',
  ]);
  const evaluation = await evaluate({ checkpoint: result.checkpoint, tta: 2 });
  expect(evaluation.accuracy).toBe(result.test.accuracy);
  expect(evaluation.crossEntropy).toBe(result.test.crossEntropy);
  expect(evaluation.ttaAccuracy).toBe(result.test.ttaAccuracy);
  const again = await train({ config: `${result.runDir}/config.yaml` });
  expect(sha256(again.checkpoint)).toBe(sha256(result.checkpoint));
});
