import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../lib/config/index.js';
import { loadNative } from '../../lib/native.js';
import { readSample, SAMPLE_TRAIN } from '../support.js';

const MEAN = [0.4914, 0.4822, 0.4465];
const STD = [0.247, 0.2435, 0.2616];
const IMAGE_FLOATS = 3 * 32 * 32;
const records = readSample(SAMPLE_TRAIN);

interface Request {
  overrides?: string[];
  seed?: number;
  epoch?: number;
  index?: number;
}

function batch({ overrides = [], seed = 0, epoch = 0, index = 0 }: Request) {
  const { dataLoading } = loadConfig({
    overrides: ['data_loading=sample', 'data_loading.batch_size=1000', ...overrides],
  });
  const { images, labels } = loadNative().trainBatch({
    files: [SAMPLE_TRAIN],
    dataLoading,
    seed,
    epoch,
    index,
  });
  const count = labels.length;
  expect(images).toHaveLength(count * IMAGE_FLOATS);
  return {
    labels,
    images: labels.map((_, i) => images.slice(i * IMAGE_FLOATS, (i + 1) * IMAGE_FLOATS)),
  };
}

const PLAIN = ['data_loading.augmentation.flip=none', 'data_loading.augmentation.translate=0'];

/** What the core must make of the record: float32 [3,32,32], sampled at the given positions; outside is black. */
function reference(pixels: Uint8Array, position: (y: number, x: number) => [number, number]): Float32Array {
  return Float32Array.from({ length: IMAGE_FLOATS }, (_, i) => {
    const channel = Math.floor(i / 1024);
    const [y, x] = position(Math.floor((i % 1024) / 32), i % 32);
    const isInside = y >= 0 && y < 32 && x >= 0 && x < 32;
    const pixel = isInside ? (pixels[channel * 1024 + y * 32 + x] as number) : 0;
    const scaled = Math.fround(Math.fround(pixel / 255) - Math.fround(MEAN[channel] as number));
    return Math.fround(scaled / Math.fround(STD[channel] as number));
  });
}

const key = (image: Float32Array) =>
  Buffer.from(image.buffer, image.byteOffset, image.byteLength).toString('base64');
const identity = new Map(records.map(({ pixels }, i) => [key(reference(pixels, (y, x) => [y, x])), i]));
const mirrored = new Map(records.map(({ pixels }, i) => [key(reference(pixels, (y, x) => [y, 31 - x])), i]));

describe('an epoch without augmentation', () => {
  test('holds every image exactly once, normalized bit for bit, with its own label', () => {
    const { images, labels } = batch({ overrides: PLAIN });
    const rows = images.map((image) => identity.get(key(image)));
    expect(new Set(rows).size).toBe(1000);
    expect(rows.every((row, i) => row !== undefined && records[row]?.label === labels[i])).toBe(true);
  });

  test('is in another order each epoch and for each seed, and the same for the same', () => {
    const order = (request: Request) => batch({ overrides: PLAIN, ...request }).labels.join('');
    expect(order({})).toBe(order({}));
    expect(order({ epoch: 1 })).not.toBe(order({}));
    expect(order({ seed: 1 })).not.toBe(order({}));
  });

  test('is cut into batches; the last, smaller one is left out or kept as configured', () => {
    const overrides = [...PLAIN, 'data_loading.batch_size=300'];
    const whole = batch({ overrides: PLAIN }).labels;
    expect(batch({ overrides, index: 1 }).labels).toEqual(whole.slice(300, 600));
    const kept = batch({ overrides: [...overrides, 'data_loading.drop_last=false'], index: 3 });
    expect(kept.labels).toEqual(whole.slice(900));
  });
});

test('alternating flip shows every image mirrored in exactly one of two successive epochs', () => {
  const overrides = ['data_loading.augmentation.flip=alternating', 'data_loading.augmentation.translate=0'];
  const isMirrored = (epoch: number) => {
    const flags = new Map<number, boolean>();
    for (const image of batch({ overrides, epoch }).images) {
      const row = identity.get(key(image)) ?? mirrored.get(key(image));
      expect(row).toBeDefined();
      flags.set(row as number, !identity.has(key(image)));
    }
    return flags;
  };
  const [first, second, third] = [isMirrored(0), isMirrored(1), isMirrored(2)];
  const share = [...first.values()].filter(Boolean).length / 1000;
  expect(share).toBeGreaterThan(0.44); // 50 % ± 4 standard deviations
  expect(share).toBeLessThan(0.56);
  for (const [row, flag] of first) {
    expect(second.get(row)).toBe(!flag);
    expect(third.get(row)).toBe(flag);
  }
});

test('random flip draws anew each epoch', () => {
  const overrides = ['data_loading.augmentation.flip=random', 'data_loading.augmentation.translate=0'];
  const flippedRows = (epoch: number) =>
    new Set(batch({ overrides, epoch }).images.flatMap((image) => mirrored.get(key(image)) ?? []));
  const [first, second] = [flippedRows(0), flippedRows(1)];
  const inBoth = [...first].filter((row) => second.has(row)).length;
  expect(inBoth).toBeGreaterThan(180); // independent coins: about 250 of 1,000
  expect(inBoth).toBeLessThan(320);
});

const reflect = (position: number) => 31 - Math.abs(31 - Math.abs(position));

test.each([
  { padding: 'reflect', translate: 2, wrap: reflect },
  { padding: 'zero', translate: 4, wrap: (position: number) => position },
])('$padding padding by $translate gives every shift, and only shifts', ({ padding, translate, wrap }) => {
  const overrides = [
    'data_loading.augmentation.flip=none',
    `data_loading.augmentation.translate=${translate}`,
    `data_loading.augmentation.padding=${padding}`,
  ];
  const { images, labels } = batch({ overrides });
  const shifts = Array.from({ length: 2 * translate + 1 }, (_, i) => i - translate);
  const seen = new Set<string>();
  // Every image would need 25,000 comparisons: the first 60 show the shifts of both axes many times over.
  for (const [i, image] of images.slice(0, 60).entries()) {
    const candidates = records.filter(({ label }) => label === labels[i]);
    const found = candidates.flatMap(({ pixels }) =>
      shifts.flatMap((dy) =>
        shifts
          .filter((dx) => {
            const probe = 16 * 32 + 16; // compare one pixel before building the whole image
            const pixel = pixels[(16 + dy) * 32 + 16 + dx] as number;
            const scaled = Math.fround(Math.fround(pixel / 255) - Math.fround(0.4914));
            return image[probe] === Math.fround(scaled / Math.fround(0.247));
          })
          .filter((dx) => key(image) === key(reference(pixels, (y, x) => [wrap(y + dy), wrap(x + dx)])))
          .map((dx) => `${dy},${dx}`),
      ),
    );
    expect(found.length).toBeGreaterThan(0);
    for (const shift of found) seen.add(shift);
  }
  const rows = new Set([...seen].map((shift) => shift.split(',')[0]));
  const columns = new Set([...seen].map((shift) => shift.split(',')[1]));
  expect([rows.size, columns.size]).toEqual([shifts.length, shifts.length]);
});

test('a batch larger than the data is refused with both numbers', () => {
  expect(() => batch({ overrides: ['data_loading.batch_size=1001'] })).toThrowError(
    expect.objectContaining({ code: 'DATASET_TOO_SMALL', message: expect.stringMatching(/1000.*1001/) }),
  );
});
