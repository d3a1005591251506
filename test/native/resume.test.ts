// Proves that a training which was stopped, however often and wherever, ends as if it never had been.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../lib/config/index.js';
import { loadNative } from '../../lib/native.js';
import type {
  NamedTensor,
  NativeTrainEvent,
  NativeTrainOptions,
  NativeTrainResult,
  TrainingState,
} from '../../lib/native-addon.js';
import { settle } from '../../lib/settle.js';
import { RECORD_BYTES, SAMPLE_TEST, SAMPLE_TRAIN, temporaryFolder } from '../support.js';

type Event = NativeTrainEvent;
type StopWhen = (event: Event) => boolean;

const NEVER: StopWhen = () => false;
const eventOf =
  (type: 'step' | 'epoch', step: number): StopWhen =>
  (event) =>
    event.type === type && event.step === step;

/**
 * 7 steps of 30 images (the last one of 20) an epoch, 18 in all: the third epoch is cut short. On one thread,
 * because two that wait for each other a thousand times crawl on a machine that is busy otherwise.
 */
const SMALL = [
  'data_loading=sample',
  'data_loading.batch_size=30',
  'data_loading.drop_last=false',
  'training.epochs=2.5',
  'training.eval_batch_size=20',
  'training.tta_level=1',
  'training.threads=1',
];
const STEPS = 18;

/** On the sample's first images: about 200 to train on, the others for validation and test. */
function options(overrides: readonly string[], valImages = 60, testImages = 60): NativeTrainOptions {
  const folder = temporaryFolder();
  const part = (path: string, count: number) => {
    const copy = join(folder, basename(path));
    writeFileSync(copy, readFileSync(path).subarray(0, count * RECORD_BYTES));
    return [copy];
  };
  const validation = `data_loading.validation=${valImages / (200 + valImages)}`;
  return {
    config: settle(loadConfig({ overrides: [...SMALL, validation, ...overrides] })),
    trainFiles: part(SAMPLE_TRAIN, 200 + valImages),
    testFiles: part(SAMPLE_TEST, testImages),
    resume: null,
  };
}

/** Of a training that has judged no epoch yet. */
const FRESH = {
  best: { value: null, epoch: 0, staleLooks: 0 },
  stopping: { value: null, epoch: 0, staleLooks: 0 },
  hasEndedEarly: false,
};

/** All that draws random numbers at once. */
const EVERY_AUGMENTATION = [
  'data_loading.augmentation.policy={name: rand_augment, operations: 2, magnitude: 9}',
  'data_loading.augmentation.color_jitter={brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.1}',
  'data_loading.augmentation.cutout={size: 8, clipped: true}',
  'data_loading.augmentation.random_erasing.probability=0.5',
  'data_loading.augmentation.mixup_alpha=0.4',
  'data_loading.augmentation.cutmix_alpha=1',
];

const TINY_FAST = ['model.widths=[8,8,8]'];

/** Validations and tests take long enough for a stop that is asked for in the event before one to come while it runs. */
const slowlyEvaluated = (overrides: readonly string[] = []) =>
  options([...TINY_FAST, 'training.eval_batch_size=1', ...overrides], 300, 200);

/** Trains until the end or until the first event that `stopWhen` accepts. */
async function run(request: NativeTrainOptions, stopWhen: StopWhen) {
  const events: Event[] = [];
  const job = loadNative().train(request, (event) => {
    events.push(event);
    if (stopWhen(event)) job.stop();
  });
  return { events, outcome: await job.result };
}

async function runToEnd(request: NativeTrainOptions) {
  const { events, outcome } = await run(request, NEVER);
  if (outcome.end !== 'finished') throw new Error('nobody stopped it');
  return { events, result: outcome };
}

async function runToStop(request: NativeTrainOptions, stopWhen: StopWhen) {
  const { events, outcome } = await run(request, stopWhen);
  if (outcome.end !== 'stopped') throw new Error('it came to its end before the stop');
  return { events, state: outcome.progress };
}

/** The events that tell of completed work, without what a clock says. */
function story(events: readonly Event[]): unknown[] {
  return events.flatMap<unknown>((event) => {
    if (event.type === 'step') return [{ ...event, imagesPerSecond: 0 }];
    return event.type === 'epoch' ? [{ ...event, durationSeconds: 0 }] : [];
  });
}

const bytesOf = (tensors: readonly NamedTensor[]) =>
  tensors.map(({ data, ...layout }) => ({ ...layout, data: Buffer.from(data).toString('base64') }));

/** What must be equal, bit for bit, however the training came to its end. */
const ending = ({ test: figures, steps, trainedImages, state }: NativeTrainResult) => ({
  figures,
  steps,
  trainedImages,
  state: bytesOf(state),
});

/** Stops at the first step event, the third and the second after a resume, in turn, and in the final test. */
async function runInParts(request: NativeTrainOptions) {
  const events: Event[] = [];
  const stops: TrainingState[] = [];
  while (stops.length < 2 * STEPS) {
    const resume = stops.at(-1) ?? null;
    let stepsLeft = [1, 3, 2][stops.length % 3] as number;
    const part = await run({ ...request, resume }, (event) => {
      if (event.type === 'step') return --stepsLeft === 0;
      return event.type === 'test' && resume?.step !== STEPS;
    });
    expect(part.events[0]).toMatchObject({ type: 'start', step: resume?.step ?? 0 });
    events.push(...part.events);
    if (part.outcome.end === 'finished') return { events, stops, result: part.outcome };
    if (part.outcome.end === 'diverged') throw part.outcome.error;
    stops.push(part.outcome.progress);
  }
  throw new Error('it does not come to an end');
}

describe('a training in parts gives the events, the figures and the weights of one in a single piece', () => {
  const SGD = ['training=standard', 'training.optimizer.lr=0.02'];
  const NO_MOMENTUM = ['training.optimizer.momentum=0', 'training.optimizer.nesterov=false'];
  const ADAM = ['training=adamw', 'training.optimizer.lr=0.01'];
  test.each([
    ['fast', 'muon', TINY_FAST],
    ['fast', 'sgd', [...TINY_FAST, ...SGD]],
    ['cnn', 'muon', ['model.widths=[8]', 'training=muon', 'training.threads=2']],
    ['cnn', 'sgd', ['model.widths=[8,16]', ...SGD]],
    ['cnn', 'sgd', ['model.widths=[8]', ...SGD, 'training.precision=fp32', ...NO_MOMENTUM]],
    ['resnet20', 'muon', ['training=muon']],
    ['resnet20', 'sgd', [...SGD, 'training.optimizer.nesterov=false']],
    ['cnn', 'adam', ['model.widths=[8]', ...ADAM, 'training.optimizer.name=adam']],
    [
      'cnn',
      'adamw',
      ['model.widths=[8]', ...ADAM, 'training.ema_decay=0.9', 'training.gradient_clip_norm=0.5'],
    ],
    ['fast', 'sgd', [...TINY_FAST, 'training=fast94_sgd', 'training.epochs=2.5']],
    [
      'cnn',
      'sgd',
      ['model.widths=[8]', ...SGD, 'training.accumulation_steps=3', 'training.select=best_val_loss'],
    ],
    ['fast', 'muon', [...TINY_FAST, 'training.ema_decay=0.5', 'training.select=best_val_accuracy']],
    ['cnn', 'sgd', ['model.widths=[8]', ...SGD, 'model.dropout=0.5', 'training.accumulation_steps=3']],
    ['wrn28_10', 'sgd', ['model.depth=10', 'model.widen_factor=0.25', 'model.dropout=0.3', ...SGD]],
    ['cnn', 'sgd', ['model.widths=[8]', ...SGD, ...EVERY_AUGMENTATION]],
  ])('%s with %s, %j', async (model, _optimizer, overrides) => {
    const request = options([`model=${model}`, ...overrides]);
    const whole = await runToEnd(request);
    const parts = await runInParts(request);
    expect(parts.stops.length).toBeGreaterThan(2);
    expect(story(parts.events)).toEqual(story(whole.events));
    expect(ending(parts.result)).toEqual(ending(whole.result));
    expect(whole.result).toMatchObject({ steps: STEPS, trainedImages: 2 * 200 + 4 * 30 });
  });
});

test('a training that ends early ends so after any stop', async () => {
  const stopping = 'training.early_stopping={monitor: val_loss, patience: 0, min_delta: 10}';
  const request = slowlyEvaluated([stopping]);
  const whole = await runToEnd(request);
  expect(whole.result).toMatchObject({ hasEndedEarly: true, steps: 14 });
  for (const [type, step] of [
    ['epoch', 7], // one epoch has been judged
    ['step', 14], // the epoch that ends it is still to be judged
    ['epoch', 14], // only the test is to come
  ] as const) {
    const { state } = await runToStop(request, eventOf(type, step));
    expect(state.hasEndedEarly).toBe(type === 'epoch' && step === 14);
    expect(ending((await runToEnd({ ...request, resume: state })).result)).toEqual(ending(whole.result));
  }
});

test('dropout is part of the training', async () => {
  const lossOf = async (rate: number) => {
    const { events } = await runToEnd(
      options(['model=cnn', 'model.widths=[8]', 'training=standard', `model.dropout=${rate}`]),
    );
    return events.find((event) => event.type === 'step')?.loss;
  };
  expect(await lossOf(0.5)).not.toBe(await lossOf(0));
});

describe('a stop', () => {
  test('before the first step gives step 0, with weights that need no calibration', async () => {
    const request = options(TINY_FAST);
    const job = loadNative().train(request, () => {});
    job.stop();
    const outcome = await job.result;
    if (outcome.end !== 'stopped') throw new Error('it came to its end before the stop');
    const { model, ...progress } = outcome.progress;
    const epochTotals = { steps: 0, images: 0, loss: 0, accuracy: 0, seconds: 0 };
    expect(progress).toEqual({
      step: 0,
      trainedImages: 0,
      trainSeconds: 0,
      epochTotals,
      ...FRESH,
      extra: [],
    });
    const resumed = await runToEnd({ ...request, resume: outcome.progress });
    const whole = await runToEnd(request);
    expect(story(resumed.events)).toEqual(story(whole.events));
    expect(ending(resumed.result)).toEqual(ending(whole.result));
    expect(bytesOf(model)).not.toEqual(bytesOf(whole.result.state));
  });

  test('that is followed by another at once changes nothing', async () => {
    const request = slowlyEvaluated();
    const first = await runToStop(request, ({ type }) => type === 'step');
    const job = loadNative().train({ ...request, resume: first.state }, () => {});
    job.stop();
    expect(await job.result).toEqual({ end: 'stopped', progress: first.state });
    expect(first.state.step).toBeGreaterThan(0);
  });

  // Where it comes, the type and the step of the event in which it is asked for.
  test.each<[string, 'step' | 'epoch', number]>([
    ['in the validation after an epoch', 'step', 7],
    ['in the validation after the last step', 'step', STEPS],
    ['in the final test', 'epoch', STEPS],
  ])('%s does that again', async (_where, type, step) => {
    const request = slowlyEvaluated();
    const whole = await runToEnd(request);
    const stopped = await runToStop(request, eventOf(type, step));
    const isEpochPending = type === 'step';
    expect(stopped.state.step).toBe(step);
    expect(stopped.state.epochTotals.steps).toBe(isEpochPending ? (step === STEPS ? 4 : 7) : 0);
    const resumed = await runToEnd({ ...request, resume: stopped.state });
    expect(resumed.events[0]).toMatchObject({ type: 'start', step });
    expect(resumed.events[1]?.type).toBe(isEpochPending ? 'epoch' : 'test');
    expect(story([...stopped.events, ...resumed.events])).toEqual(story(whole.events));
    expect(ending(resumed.result)).toEqual(ending(whole.result));
    expect(resumed.events.filter((event) => event.type === 'test')).toHaveLength(200);
  });

  test('between an epoch and the next one begins with the next one', async () => {
    const request = slowlyEvaluated();
    const whole = await runToEnd(request);
    const { state } = await runToStop(request, eventOf('step', 7));
    const resume = { ...state, epochTotals: { steps: 0, images: 0, loss: 0, accuracy: 0, seconds: 0 } };
    const resumed = await runToEnd({ ...request, resume });
    expect(story(resumed.events)).toEqual(story(whole.events).slice(8)); // 7 steps and the epoch's event
    expect(ending(resumed.result)).toEqual(ending(whole.result));
  });

  test('leaves momentum that matters: without it the weights come out otherwise', async () => {
    const request = slowlyEvaluated();
    const { state } = await runToStop(request, eventOf('step', 7));
    const extra = state.extra.map((buffer) => ({
      ...buffer,
      data: new Uint8Array(buffer.data.length),
    }));
    const right = await runToEnd({ ...request, resume: state });
    const wrong = await runToEnd({ ...request, resume: { ...state, extra } });
    expect(bytesOf(wrong.result.state)).not.toEqual(bytesOf(right.result.state));
  });

  test('after the last step of a training of one step', async () => {
    const request = slowlyEvaluated(['data_loading.batch_size=200', 'training.epochs=1']);
    const whole = await runToEnd(request);
    const stopped = await runToStop(request, ({ type }) => type === 'step');
    expect(stopped.state).toMatchObject({ step: 1, trainedImages: 199, epochTotals: { steps: 1 } });
    const resumed = await runToEnd({ ...request, resume: stopped.state });
    expect(ending(resumed.result)).toEqual(ending(whole.result));
    expect(resumed.result.trainSeconds).toBe(stopped.state.trainSeconds);
  });
});

describe('a state of another training is an error that says what was expected', () => {
  const tensor = (name: string, shape: number[]): NamedTensor => ({
    name,
    dtype: 'F32',
    shape,
    data: new Uint8Array(4 * shape.reduce((product, side) => product * side, 1)),
  });
  const totals = { images: 0, loss: 0, accuracy: 0, seconds: 0 };
  const HEAD = 'optimizer.momentum.head.weight';

  test.each<[string, (state: TrainingState) => Partial<TrainingState>, string]>([
    ['negative step', () => ({ step: -1 }), 'completed steps: expected 0 to 18, found -1'],
    ['step beyond the end', () => ({ step: 19 }), 'completed steps: expected 0 to 18, found 19'],
    [
      'other batches',
      () => ({ trainedImages: 420 }),
      'images trained on in 7 steps: expected 199, found 420',
    ],
    [
      'another epoch',
      () => ({ epochTotals: { steps: 3, ...totals } }),
      'steps since the last epoch: expected 7 or 0, found 3',
    ],
    [
      'other images in the epoch',
      ({ epochTotals }) => ({ epochTotals: { ...epochTotals, images: 1 } }),
      'images since the last epoch: expected 199, found 1',
    ],
    [
      'an average that nobody keeps',
      ({ extra }) => ({ extra: [...extra, tensor('ema.head.weight', [10, 8])] }),
      'expected no tensor of "ema.", found some',
    ],
    [
      'weights of a best epoch that nobody asked for',
      ({ extra }) => ({ extra: [...extra, tensor('best.head.weight', [10, 8])] }),
      'weights of the best epoch: expected them where a best epoch is kept, found 1 tensors after epoch 0',
    ],
    [
      'negative time',
      () => ({ trainSeconds: -1 }),
      'seconds of training: expected at least 0, found -1.000000',
    ],
    [
      'unknown buffer',
      ({ extra }) => ({ extra: [...extra, tensor('optimizer.momentum.neck.weight', [1])] }),
      'expected the buffers of parameters that are trained, found "momentum.neck.weight"',
    ],
    [
      'frozen parameter',
      ({ extra }) => ({ extra: [...extra, tensor('optimizer.momentum.whiten.weight', [24, 3, 2, 2])] }),
      'expected the buffers of parameters that are trained, found "momentum.whiten.weight"',
    ],
    [
      'wrong shape',
      ({ extra }) => ({
        extra: [...extra.filter(({ name }) => name !== HEAD), tensor(HEAD, [8, 10])],
      }),
      'tensor "momentum.head.weight": expected float [10, 8], found float [8, 10]',
    ],
    [
      'missing buffer',
      ({ extra }) => ({ extra: extra.filter(({ name }) => name !== HEAD) }),
      'expected "momentum.head.weight", found none',
    ],
    ['no model', () => ({ model: [] }), 'expected 39 tensors, found 0'],
    [
      'a tensor twice',
      ({ model }) => ({ model: [...model.slice(1), ...model.slice(-1)] }),
      'expected the model\'s tensors, each once, found "',
    ],
  ])('%s', async (_name, change, message) => {
    const request = slowlyEvaluated();
    const { state } = await runToStop(request, eventOf('step', 7));
    const { result } = loadNative().train({ ...request, resume: { ...state, ...change(state) } }, () => {});
    await expect(result).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      message: expect.stringContaining(message),
      nextStep: expect.stringMatching(/(started|trained) with$/),
    });
  });

  test('the state of another model or optimizer', async () => {
    const { state: resume } = await runToStop(slowlyEvaluated(), ({ type }) => type === 'step');
    const resumed = (overrides: readonly string[]) =>
      loadNative().train({ ...options(overrides), resume }, () => {}).result;
    const mismatch = { code: 'CHECKPOINT_MISMATCH' };
    await expect(resumed(['model.widths=[8,8,16]'])).rejects.toMatchObject(mismatch);
    await expect(resumed(['model=cnn', 'training=muon'])).rejects.toMatchObject(mismatch);
    const noMomentum = ['training.optimizer.momentum=0', 'training.optimizer.companion.momentum=0'];
    await expect(resumed([...TINY_FAST, ...noMomentum])).rejects.toMatchObject(mismatch);
  });

  test('a tensor that cannot be made throws, and a missing field is a bug', () => {
    const { resume: _, ...request } = options(TINY_FAST);
    const broken = { ...tensor('head.weight', []), shape: [-1] };
    const epochTotals = { steps: 0, ...totals };
    const state = { step: 0, trainedImages: 0, trainSeconds: 0, epochTotals, ...FRESH };
    const start = (more: object) => () =>
      loadNative().train({ ...request, ...more } as NativeTrainOptions, () => {});
    expect(start({ resume: { ...state, model: [broken], extra: [] } })).toThrow('negative dimension');
    expect(start({})).toThrow('missing field: resume');
    expect(start({ resume: state })).toThrow('missing field: model');
  });
});
