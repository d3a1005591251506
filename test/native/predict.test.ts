import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCheckpoint, saveCheckpoint } from '../../lib/checkpoint/index.js';
import { CLASS_NAMES, evaluate, type InferRecord, infer, type Prediction, predict } from '../../lib/index.js';
import { openModel } from '../../lib/model.js';
import {
  expectAlike,
  pngPicture as png,
  rawPicture as raw,
  readSample,
  SAMPLE_TEST,
  temporaryFolder,
  trainSample,
} from '../support.js';

const outputDir = mkdtempSync(join(tmpdir(), 'cifar10-torch-predict-'));
const records = readSample(SAMPLE_TEST);

let checkpoint: string;

beforeAll(async () => {
  const overrides = ['training.epochs=4', 'model.widths=[16,32,32]'];
  checkpoint = (await trainSample(outputDir, overrides)).checkpoint;
});
afterAll(() => rmSync(outputDir, { recursive: true, force: true }));

describe('predict', () => {
  test('gives the same for a path, a file URL, a Buffer and raw pixels', async () => {
    const path = join(temporaryFolder(), 'image.png');
    const bytes = await png(3);
    writeFileSync(path, bytes);
    const inputs = [path, pathToFileURL(path), bytes, raw(3)];
    const [first, ...others] = await predict(inputs, { checkpoint, dtype: 'fp32' });
    for (const other of others) expectAlike(other, first);
  });

  test('ranks classes; all ten probabilities sum to 1', async () => {
    const [prediction] = await predict(raw(0), { checkpoint, topK: 10 });
    const probabilities = prediction?.topK.map(({ probability }) => probability) ?? [];
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect([...probabilities].sort((a, b) => b - a)).toEqual(probabilities);
    expect(prediction).toMatchObject(prediction?.topK[0] ?? {});
    expect(new Set(prediction?.topK.map(({ label }) => label))).toEqual(new Set(CLASS_NAMES));
  });

  test('an image alone and among others gets the same class', async () => {
    const rows = Array.from({ length: 20 }, (_, row) => row);
    const together = await predict(rows.map(raw), { checkpoint, dtype: 'fp32' });
    for (const row of rows) {
      const [alone] = await predict(raw(row), { checkpoint, dtype: 'fp32' });
      expect(alone?.label).toBe(together[row]?.label);
      expect(alone?.probability).toBeCloseTo(together[row]?.probability ?? 0, 4);
    }
  });

  test('no image gives no prediction', async () => {
    expect(await predict([], { checkpoint })).toEqual([]);
  });

  test.each([0, 11, 1.5])('topK %d is refused', async (topK) => {
    await expect(predict(raw(0), { checkpoint, topK })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('an aborted signal rejects with an AbortError', async () => {
    const run = predict(raw(0), { checkpoint, signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ name: 'AbortError', code: 'ABORTED' });
  });
});

describe('evaluate', () => {
  test('its figures follow from its own confusion matrix', async () => {
    const result = await evaluate({ checkpoint });
    const { confusionMatrix: matrix } = result;
    const correct = matrix.reduce((sum, row, label) => sum + (row[label] as number), 0);
    expect(result.imageCount).toBe(500);
    expect(result.accuracy).toBeCloseTo(correct / 500, 12);
    for (const [label, name] of CLASS_NAMES.entries()) {
      const hits = matrix[label]?.[label] as number;
      const predicted = matrix.reduce((sum, row) => sum + (row[label] as number), 0);
      expect(matrix[label]?.reduce((sum, count) => sum + count, 0)).toBe(50);
      expect(result.perClassAccuracy[name]).toBeCloseTo(hits / 50, 12);
      expect(result.perClassPrecision[name]).toBeCloseTo(predicted === 0 ? 0 : hits / predicted, 12);
      expect(result.perClassF1[name]).toBeCloseTo((2 * hits) / (50 + predicted), 12);
    }
    expect(result.macroRecall).toBeCloseTo(result.accuracy, 12); // the classes are equally large
    for (const figure of ['ttaAccuracy', 'ttaCrossEntropy', 'ttaExpectedCalibrationError'])
      expect(result).not.toHaveProperty(figure);
  });

  test('with augmentation adds its figures and leaves the others', async () => {
    const { ttaAccuracy, ttaCrossEntropy, ttaExpectedCalibrationError, ...plain } = await evaluate({
      checkpoint,
      tta: 2,
    });
    expect(plain).toEqual(await evaluate({ checkpoint }));
    expect(ttaAccuracy).toBeGreaterThan(0.2);
    expect(ttaCrossEntropy).not.toBe(plain.crossEntropy);
    expect(ttaCrossEntropy).toBeCloseTo(plain.crossEntropy, 0);
    expect(ttaExpectedCalibrationError).toBeGreaterThan(0);
  });

  test('agrees with predict, image by image', async () => {
    const result = await evaluate({ checkpoint, dtype: 'fp32' });
    const predictions = await predict(
      records.map((_, row) => raw(row)),
      { checkpoint, dtype: 'fp32', topK: 10 },
    );
    const matrix = CLASS_NAMES.map(() => CLASS_NAMES.map(() => 0));
    let crossEntropy = 0;
    let amongThree = 0;
    for (const [row, { label }] of records.entries()) {
      const predicted = CLASS_NAMES.indexOf(predictions[row]?.label as (typeof CLASS_NAMES)[number]);
      (matrix[label] as number[])[predicted] = (matrix[label]?.[predicted] ?? 0) + 1;
      const own = predictions[row]?.topK.find(({ label: name }) => name === CLASS_NAMES[label]);
      crossEntropy -= Math.log(own?.probability ?? 0) / 500;
      if (own !== undefined && predictions[row]?.topK.slice(0, 3).includes(own)) amongThree += 1;
    }
    expect(result.confusionMatrix).toEqual(matrix);
    expect(result.crossEntropy).toBeCloseTo(crossEntropy, 4);
    expect(result.topKAccuracy[3]).toBeCloseTo(amongThree / 500, 12);
  });
});

describe('a call of the library is checked', () => {
  test.each([
    [{ threads: 0 }, 'threads'],
    [{ dtype: 'fp16' as 'fp32' }, 'dtype'],
    [{ device: 'gpu' as 'cuda' }, 'device'],
    [{ tta: 5 as 2 }, 'tta'],
  ])('%j', async (option, name) => {
    await expect(evaluate({ checkpoint, ...option })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`"${name}"`),
      nextStep: expect.any(String),
    });
  });

  test('what onProgress throws rejects the evaluation', async () => {
    const mine = new Error('mine');
    const onProgress = () => {
      throw mine;
    };
    await expect(evaluate({ checkpoint, onProgress })).rejects.toBe(mine);
  });

  test('a call that waits for another stops at once', async () => {
    const { predictor } = await openModel(checkpoint, {});
    const pixels = Buffer.concat(records.map((_, row) => raw(row).data));
    const long = predictor.classify(Buffer.concat(Array.from({ length: 40 }, () => pixels)), 2);
    const waiting = predictor.classify(pixels, 0);
    let isLongDone = false;
    const longDone = long.result
      .catch(() => undefined)
      .finally(() => {
        isLongDone = true;
      });
    waiting.stop();
    await expect(waiting.result).rejects.toMatchObject({ code: 'ABORTED' });
    expect(isLongDone).toBe(false);
    long.stop();
    await longDone;
  });
});

describe('infer', () => {
  test('goes on past a file that is no image and keeps the order of paths', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a.png'), await png(0));
    writeFileSync(join(folder, 'b.png'), 'this is text');
    writeFileSync(
      join(folder, 'c.webp'),
      await sharp(await png(1))
        .webp({ lossless: true })
        .toBuffer(),
    );
    const found: InferRecord[] = [];
    const options = { checkpoint, dtype: 'fp32' } as const;
    for await (const record of infer({ testDir: folder, ...options })) found.push(record);
    expect(found.map(({ file }) => file)).toEqual(
      ['a.png', 'b.png', 'c.webp'].map((name) => join(folder, name)),
    );
    expect(found[0]).toMatchObject({ label: expect.any(String), topK: { length: 3 } });
    expect(found[1]).toMatchObject({ error: { code: 'IMAGE_INVALID' } });
    expectAlike(found[2] as Prediction, (await predict(raw(1), options))[0]);
  });
});

describe('a checkpoint that does not fit is refused', () => {
  test('missing', async () => {
    await expect(predict(raw(0), { checkpoint: join(outputDir, 'none.safetensors') })).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_FOUND',
    });
  });

  test('tensors of another model', async () => {
    const path = join(temporaryFolder(), 'mixed.safetensors');
    const { tensors, meta } = await readCheckpoint(checkpoint);
    const config = { ...meta.config, model: { ...(meta.config.model as object), widths: [16, 32, 64] } };
    await saveCheckpoint(path, { ...meta, tensors, config });
    await expect(evaluate({ checkpoint: path })).rejects.toMatchObject({
      code: 'CHECKPOINT_MISMATCH',
      expected: expect.stringContaining('64'),
      found: expect.stringContaining('32'),
    });
  });

  test('a configuration this version does not know', async () => {
    const path = join(temporaryFolder(), 'future.safetensors');
    const { tensors, meta } = await readCheckpoint(checkpoint);
    await saveCheckpoint(path, {
      ...meta,
      tensors,
      config: { ...meta.config, model: { name: 'transformer' } },
    });
    await expect(evaluate({ checkpoint: path })).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });
});
