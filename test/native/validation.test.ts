// The validation split: shares per class, nothing lost, nothing twice.
import { expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';
import { readSample, SAMPLE_TRAIN, temporaryFolder, trainSample } from '../support.js';

const SAMPLE_LABELS = readSample(SAMPLE_TRAIN).map(({ label }) => label);
/** As many of each class as CIFAR-10 has. */
const REAL_LABELS = Array.from({ length: 50_000 }, (_, i) => (i * 7) % 10);

const split = (labels: number[], fraction: number, seed = 0) =>
  loadNative().splitRows({ labels, fraction, seed });

function countsOf(labels: readonly number[], rows: readonly number[]): number[] {
  return Array.from({ length: 10 }, (_, label) => rows.filter((row) => labels[row] === label).length);
}

test.each([
  { labels: SAMPLE_LABELS, fraction: 0.2, val: 20, train: 80 },
  { labels: SAMPLE_LABELS, fraction: 0.005, val: 1, train: 99 },
  { labels: SAMPLE_LABELS, fraction: 0.994, val: 99, train: 1 },
  { labels: REAL_LABELS, fraction: 0.1, val: 500, train: 4500 },
  { labels: REAL_LABELS, fraction: 0.00011, val: 1, train: 4999 },
])(
  '$fraction of $labels.length images: $val of each class are held out',
  ({ labels, fraction, val, train }) => {
    const rows = split(labels, fraction);
    expect(countsOf(labels, rows.val)).toEqual(new Array(10).fill(val));
    expect(countsOf(labels, rows.train)).toEqual(new Array(10).fill(train));
    const ascending = (values: number[]) =>
      values.every((row, i) => i === 0 || row > (values[i - 1] as number));
    expect(ascending(rows.val) && ascending(rows.train)).toBe(true);
    expect(new Set([...rows.val, ...rows.train]).size).toBe(labels.length);
  },
);

test('classes of different sizes are rounded each by itself', () => {
  const labels = [...new Array(10).fill(0), ...new Array(15).fill(1), ...new Array(4).fill(2)] as number[];
  expect(countsOf(labels, split(labels, 0.25).val).slice(0, 3)).toEqual([3, 4, 1]); // of 2.5, 3.75 and 1
});

test('the seed decides which', () => {
  expect(split(SAMPLE_LABELS, 0.2)).toEqual(split(SAMPLE_LABELS, 0.2));
  const [first, second] = [split(SAMPLE_LABELS, 0.2).val, split(SAMPLE_LABELS, 0.2, 1).val];
  const inBoth = first.filter((row) => second.includes(row)).length;
  expect(inBoth).toBeGreaterThan(15); // drawn independently: about 40 of 200
  expect(inBoth).toBeLessThan(70);
});

test.each([
  { fraction: 0.004, part: 'val' },
  { fraction: 0.996, part: 'train' },
])('$fraction of the sample leaves a class without $part images: refused', ({ fraction, part }) => {
  expect(() => split(SAMPLE_LABELS, fraction)).toThrowError(
    expect.objectContaining({
      code: 'DATASET_TOO_SMALL',
      message: expect.stringMatching(
        new RegExp(
          `validation: .* found ${fraction}, .* class airplane with its 100 images without a ${part} image`,
        ),
      ),
      nextStep: 'give a fraction of at least 0.005 and below 0.995',
    }),
  );
});

test('a class of a single image cannot be split', () => {
  expect(() => split([3, 5, 5, 5], 0.5)).toThrowError(
    expect.objectContaining({ message: expect.stringContaining('class cat with its 1 image without') }),
  );
});

test('a training holds the images out, and refuses what it cannot', async () => {
  const folder = temporaryFolder();
  const overrides = ['training.epochs=1', 'data_loading.validation=0.1'];
  const run = trainSample(folder, overrides);
  for await (const event of run)
    if (event.type === 'start') expect(event).toMatchObject({ trainImages: 900, valImages: 100 });
  expect((await run).val).toMatchObject({ accuracy: expect.any(Number) });
  await expect(trainSample(folder, ['data_loading.validation=0.001'])).rejects.toMatchObject({
    code: 'DATASET_TOO_SMALL',
    nextStep: 'give a fraction of at least 0.005 and below 0.995',
  });
});
