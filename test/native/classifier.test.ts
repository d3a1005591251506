// A classifier as a server uses it: many callers at once, a bound on what waits, calls that are given up, an end in good order.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import {
  type BatchInfo,
  Classifier,
  type ClassifierOptions,
  type Prediction,
  predict,
} from '../../lib/index.js';
import {
  expectAlike,
  pngPicture as png,
  rawPicture as raw,
  readSample,
  SAMPLE_TEST,
  temporaryFolder,
  trainSample,
} from '../support.js';

const outputDir = mkdtempSync(join(tmpdir(), 'cifar10-torch-classifier-'));
const records = readSample(SAMPLE_TEST);
const rows = (count: number) => Array.from({ length: count }, (_, row) => raw(row));

let checkpoint: string;
let expected: Prediction[];

beforeAll(async () => {
  checkpoint = (await trainSample(outputDir, ['training.epochs=4', 'model.widths=[16,32,32]'])).checkpoint;
  expected = await predict(rows(records.length), { checkpoint, dtype: 'fp32' });
});
afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

async function load(options: ClassifierOptions = {}): Promise<Classifier> {
  const classifier = await Classifier.load(checkpoint, { dtype: 'fp32', ...options });
  onTestFinished(() => classifier.close());
  return classifier;
}

/** Long enough for other calls to be made meanwhile. */
const longCall = (classifier: Classifier) => classifier.classify(rows(64), { tta: 2 });

describe('classify', () => {
  test('gives what predict gives, for one image and for many, in their order', async () => {
    const classifier = await load();
    const [one] = await classifier.classify(raw(7));
    expectAlike(one, expected[7]);
    const many = await classifier.classify(rows(200));
    for (const [row, prediction] of many.entries()) expectAlike(prediction, expected[row]);
    expect(many).toHaveLength(200);
    expect(await classifier.classify([])).toEqual([]);
  });

  test('takes a path, a file URL, encoded bytes and raw pixels', async () => {
    const classifier = await load();
    const path = join(temporaryFolder(), 'image.png');
    writeFileSync(path, await png(3));
    const inputs = [path, pathToFileURL(path), await png(3), raw(3)];
    for (const prediction of await classifier.classify(inputs)) expectAlike(prediction, expected[3]);
  });

  test('what the caller does with the images afterwards changes nothing', async () => {
    const classifier = await load();
    const bytes = await png(3);
    const pixels = raw(4);
    const url = pathToFileURL(join(temporaryFolder(), 'image.png'));
    writeFileSync(url, await png(5));
    const list = [bytes, pixels, url];
    const running = classifier.classify(list);
    bytes.fill(0);
    pixels.data.fill(0);
    url.pathname = '/nowhere';
    list.length = 0;
    const predictions = await running;
    for (const [index, row] of [3, 4, 5].entries()) expectAlike(predictions[index], expected[row]);
  });

  test('an image that cannot be decoded rejects its call and no other', async () => {
    const classifier = await load();
    const broken = classifier.classify([raw(0), Buffer.from('text'), raw(1)]);
    const whole = classifier.classify(raw(2));
    await expect(broken).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    expectAlike((await whole)[0], expected[2]);
    expect(classifier.pending).toBe(0);
  });

  test('probabilities are those of all classes, by label', async () => {
    const classifier = await load();
    const [probabilities] = await classifier.probabilities(raw(0));
    expect(probabilities).toHaveLength(10);
    expect(probabilities?.reduce((sum, each) => sum + each)).toBeCloseTo(1, 5);
    const label = probabilities?.indexOf(Math.max(...probabilities)) ?? -1;
    expect(classifier.classNames[label]).toBe(expected[0]?.label);
  });

  test('which model it is and what it runs on is told', async () => {
    const { info } = await load({ device: 'cpu', threads: 1 });
    const { sha256, tensors } = await readCheckpoint(checkpoint);
    const weights = [...tensors].filter(([name]) => !/running|num_batches/.test(name));
    expect(info).toEqual({
      version: sha256.slice(0, 12),
      net: 'fast',
      parameterCount: weights.reduce((sum, [, { shape }]) => sum + shape.reduce((a, b) => a * b, 1), 0),
      device: 'cpu',
      dtype: 'fp32',
      threads: 1,
    });
  });

  test.each([
    [{ topK: 11 }, 'topK'],
    [{ tta: 3 as 2 }, 'tta'],
  ])('%j is refused', async (options, name) => {
    const classifier = await load();
    await expect(classifier.classify(raw(0), options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`"${name}"`),
    });
  });

  test.each([
    [{ maxBatch: 0 }, 'maxBatch'],
    [{ maxDelayMs: -1 }, 'maxDelayMs'],
    [{ maxQueue: 1.5 }, 'maxQueue'],
    [{ maxWaitMs: 0 }, 'maxWaitMs'],
  ])('a classifier with %j is refused', async (options, name) => {
    await expect(Classifier.load(checkpoint, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`"${name}"`),
    });
  });
});

describe('batching', () => {
  test('images of calls that overlap run together; none waits when it is alone', async () => {
    const batches: BatchInfo[] = [];
    const classifier = await load({ onBatch: (batch) => batches.push(batch) });
    await classifier.classify(raw(0));
    expect(batches.map(({ images }) => images)).toEqual([1]);
    const busy = longCall(classifier);
    const calls = rows(50).map((image) => classifier.classify(image));
    for (const [row, call] of calls.entries()) expectAlike((await call)[0], expected[row]);
    await busy;
    const sizes = batches.map(({ images }) => images);
    expect(sizes.reduce((sum, images) => sum + images)).toBe(1 + 64 + 50);
    expect(batches.length).toBeLessThan(12);
    for (const { durationMs, waitedMs } of batches)
      expect(Math.min(durationMs, waitedMs)).toBeGreaterThanOrEqual(0);
  });

  test('a batch is never larger than maxBatch', async () => {
    const sizes: number[] = [];
    const classifier = await load({ maxBatch: 8, onBatch: ({ images }) => sizes.push(images) });
    await Promise.all(rows(50).map((image) => classifier.classify(image)));
    expect(Math.max(...sizes)).toBe(8);
  });

  test('with maxDelayMs the first image waits for others, and no longer when the batch is full', async () => {
    const sizes: number[] = [];
    const options = {
      maxBatch: 4,
      maxDelayMs: 10_000,
      onBatch: ({ images }: BatchInfo) => sizes.push(images),
    };
    const classifier = await load(options);
    const began = performance.now();
    await Promise.all(rows(4).map((image) => classifier.classify(image)));
    expect(sizes).toEqual([4]);
    expect(performance.now() - began).toBeLessThan(5000);
    const short = await load({ ...options, maxDelayMs: 200 });
    const alone = performance.now();
    await short.classify(raw(0));
    expect(performance.now() - alone).toBeGreaterThanOrEqual(195);
  });

  test('images with and without augmentation do not mix', async () => {
    const classifier = await load();
    const [plain, augmented] = await Promise.all([
      Promise.all(rows(20).map((image) => classifier.classify(image))),
      Promise.all(rows(20).map((image) => classifier.classify(image, { tta: 2 }))),
    ]);
    const alone = await predict(rows(20), { checkpoint, dtype: 'fp32', tta: 2 });
    for (const [row, [prediction]] of plain.entries()) expectAlike(prediction, expected[row]);
    for (const [row, [prediction]] of augmented.entries()) expectAlike(prediction, alone[row]);
  });
});

describe('the bound on what waits', () => {
  test('a call beyond it is refused at once, and the others are answered', async () => {
    const classifier = await load({ maxQueue: 10 });
    const calls = rows(15).map((image) => classifier.classify(image));
    expect(classifier.pending).toBe(10);
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual(
      Array.from({ length: 15 }, (_, index) => index < 10),
    );
    for (const result of settled.slice(10))
      expect(result).toMatchObject({ reason: { code: 'QUEUE_FULL', expected: 'room for 1 more' } });
    expect(classifier.pending).toBe(0);
    expectAlike((await classifier.classify(raw(1)))[0], expected[1]);
  });

  test('how long one would wait is told as the last batches went, by the views of what is at work', async () => {
    const batches: BatchInfo[] = [];
    const classifier = await load({ maxBatch: 4, onBatch: (batch) => batches.push(batch) });
    const first = classifier.classify(rows(30));
    expect(classifier.expectedWaitMs).toBe(0); // nothing is known yet
    await first;
    expect(classifier.expectedWaitMs).toBe(0); // nothing is at work
    const plain = classifier.classify(rows(100)); // two batches of it are at work
    const waitMs = classifier.expectedWaitMs;
    const perImage = batches.map(({ images, durationMs }) => durationMs / images);
    expect(waitMs).toBeGreaterThanOrEqual(8 * Math.min(...perImage));
    expect(waitMs).toBeLessThanOrEqual(8 * Math.max(...perImage));
    const mirrored = classifier.classify(rows(8), { tta: 1 });
    expect(classifier.expectedWaitMs / waitMs).toBeCloseTo(1 + 2, 8);
    const shifted = classifier.classify(rows(8), { tta: 2 });
    expect(classifier.expectedWaitMs / waitMs).toBeCloseTo(1 + 2 + 6, 8);
    await Promise.all([plain, mirrored, shifted]);
    expect(classifier.expectedWaitMs).toBe(0);
  });

  test('a stream counts for as long as it has images at work', async () => {
    const classifier = await load({ maxBatch: 4 });
    await classifier.classify(rows(8));
    for await (const _ of classifier.classifyEach(rows(20), { tta: 1 }))
      expect(classifier.expectedWaitMs > 0).toBe(classifier.pending > 0);
    expect(classifier.expectedWaitMs).toBe(0);
    for await (const _ of classifier.classifyEach(rows(20))) break;
    await expect.poll(() => classifier.pending).toBe(0);
    expect(classifier.expectedWaitMs).toBe(0);
  });

  test('what fails or is given up is waited for no more', async () => {
    const classifier = await load({ maxBatch: 4 });
    await classifier.classify(rows(8));
    const controller = new AbortController();
    const calls = [
      classifier.classify([...rows(30), Buffer.from('no image'), ...rows(30)], { tta: 1 }),
      classifier.classify(rows(30), { signal: controller.signal, tta: 2 }),
      classifier.classify(rows(30), { signal: AbortSignal.abort() }),
    ];
    expect(classifier.expectedWaitMs).toBeGreaterThan(0);
    controller.abort();
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await classifier.classify(raw(0)); // after those that had begun
    expect(classifier.expectedWaitMs).toBe(0);
    expect(classifier.pending).toBe(0);
  });

  test('a call that would wait for longer than it may is refused at once', async () => {
    const classifier = await load({ maxWaitMs: 1 });
    const before = await Promise.all([longCall(classifier), longCall(classifier)]); // nothing is known yet
    expect(before.flat()).toHaveLength(128);
    const busy = longCall(classifier);
    expect(await classifier.classify([])).toEqual([]);
    await expect(classifier.classify(raw(1))).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      expected: 'a wait of at most 1 ms',
      found: expect.stringMatching(/^one of about \d+ ms$/),
    });
    for await (const prediction of classifier.classifyEach([raw(1)])) expectAlike(prediction, expected[1]); // waits
    expect(await busy).toHaveLength(64);
    expectAlike((await classifier.classify(raw(1)))[0], expected[1]);
  });

  test('a call of more images than it holds takes its turns', async () => {
    const classifier = await load({ maxQueue: 10, maxBatch: 4 });
    const many = await classifier.classify(rows(100));
    for (const [row, prediction] of many.entries()) expectAlike(prediction, expected[row]);
  });
});

describe('a call that is given up', () => {
  test('before it began', async () => {
    const classifier = await load();
    await expect(classifier.classify(raw(0), { signal: AbortSignal.abort('mine') })).rejects.toMatchObject({
      code: 'ABORTED',
      cause: 'mine',
    });
  });

  test('while it waits rejects at once; the call before it goes on', async () => {
    const classifier = await load();
    const busy = longCall(classifier);
    const controller = new AbortController();
    const waiting = classifier.classify(raw(0), { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await busy).toHaveLength(64);
    expect(classifier.pending).toBe(0);
  });

  test('with a signal that many images share, Node.js warns of no leak', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    onTestFinished(() => void process.off('warning', listen));
    const classifier = await load();
    const { signal } = new AbortController();
    await classifier.classify(rows(30), { signal });
    for await (const _ of classifier.classifyEach(rows(30), { signal }));
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  test('while it runs rejects, and the next call is answered', async () => {
    const classifier = await load({ maxBatch: 512 });
    const controller = new AbortController();
    const running = classifier.classify(rows(500), { tta: 2, signal: controller.signal });
    setTimeout(() => controller.abort(), 200);
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expectAlike((await classifier.classify(raw(2)))[0], expected[2]);
  });
});

describe('classifyEach', () => {
  test('gives predictions in order, also of a source that reuses one buffer', async () => {
    const classifier = await load({ maxBatch: 8 });
    async function* camera() {
      const frame = raw(0);
      for (let row = 0; row < 100; row++) {
        frame.data.set(raw(row).data);
        yield frame;
      }
    }
    let row = 0;
    for await (const prediction of classifier.classifyEach(camera()))
      expectAlike(prediction, expected[row++]);
    expect(row).toBe(100);
  });

  test('asks for no more images than two batches ahead of the reader', async () => {
    const classifier = await load({ maxBatch: 4 });
    let given = 0;
    function* source() {
      for (;;) yield raw(given++);
    }
    const predictions = classifier.classifyEach(source());
    await predictions.next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(given).toBeLessThanOrEqual(1 + 2 * 4 + 1);
    await predictions.return();
  });

  test('gives a prediction before the source has the next image', async () => {
    const classifier = await load();
    async function* slow() {
      yield raw(5);
      await new Promise(() => {});
    }
    const { value } = await classifier.classifyEach(slow()).next();
    expectAlike(value as Prediction, expected[5]);
  });

  test('waits where a call would find the queue full', async () => {
    const classifier = await load({ maxQueue: 4 });
    const found: Prediction[] = [];
    const busy = classifier.classify(rows(4), { tta: 2 });
    await expect(classifier.classify(raw(0))).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    for await (const prediction of classifier.classifyEach(rows(30))) found.push(prediction);
    expect(found).toHaveLength(30);
    await busy;
  });

  test('ends with what the source throws, and closes a source that is left', async () => {
    const classifier = await load();
    const mine = new Error('mine');
    let isClosed = false;
    async function* failing() {
      try {
        yield raw(0);
        throw mine;
      } finally {
        isClosed = true;
      }
    }
    const all = async () => {
      for await (const _ of classifier.classifyEach(failing()));
    };
    await expect(all()).rejects.toBe(mine);
    expect(isClosed).toBe(true);
  });
});

describe('close', () => {
  test('answers the calls before it and refuses those after it', async () => {
    const classifier = await load();
    const calls = rows(30).map((image) => classifier.classify(image));
    let answered = 0;
    for (const call of calls) call.then(() => answered++);
    const closing = classifier.close();
    await expect(classifier.classify(raw(0))).rejects.toMatchObject({ code: 'CLASSIFIER_CLOSED' });
    await closing;
    await new Promise(setImmediate);
    expect(answered).toBe(30);
    for (const [row, call] of calls.entries()) expectAlike((await call)[0], expected[row]);
    await classifier.close();
  });
});
