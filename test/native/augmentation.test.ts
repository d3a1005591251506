// What augmentation does at random: distributions, ranges, determinism. What an operation does to pixels is in
// test/golden.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../lib/config/index.js';
import { loadNative } from '../../lib/native.js';
import { RECORD_BYTES, SAMPLE_TRAIN, temporaryFolder } from '../support.js';

const IMAGE_FLOATS = 3 * 32 * 32;
const PLANE = 32 * 32;
const PREFIX = 'data_loading.augmentation.';
const PLAIN = ['flip=none', 'translate=0'];

interface Request {
  /** Of `data_loading.augmentation`, beside neither flip nor crop. */
  keys?: readonly string[];
  batchSize?: number;
  seed?: number;
  epoch?: number;
  index?: number;
  files?: string[];
}

/** Composing a configuration takes longer than a small batch. */
const composed = new Map<string, Config['dataLoading']>();

function configOf(keys: readonly string[], batchSize: number): Config['dataLoading'] {
  const augmentation = [...PLAIN, ...keys].map((key) => `${PREFIX}${key}`);
  const overrides = ['data_loading=sample', `data_loading.batch_size=${batchSize}`, ...augmentation];
  const name = overrides.join(' ');
  const dataLoading = composed.get(name) ?? loadConfig({ overrides }).dataLoading;
  composed.set(name, dataLoading);
  return dataLoading;
}

function batch({ keys = [], batchSize = 1000, seed = 0, epoch = 0, index = 0, files }: Request) {
  const dataLoading = configOf(keys, batchSize);
  return loadNative().trainBatch({ files: files ?? [SAMPLE_TRAIN], dataLoading, seed, epoch, index });
}

function imagesOf({ images, labels }: { images: Float32Array; labels: number[] }): Float32Array[] {
  return labels.map((_, i) => images.subarray(i * IMAGE_FLOATS, (i + 1) * IMAGE_FLOATS));
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]) => mean(values.map((value) => (value - mean(values)) ** 2));

interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** The rectangle of pixels that are 0, which no pixel is after normalization; null without one. */
function erasedBox(image: Float32Array): Box | null {
  const erased = Array.from({ length: PLANE }, (_, i) => i).filter((i) =>
    [0, 1, 2].every((channel) => image[channel * PLANE + i] === 0),
  );
  if (erased.length === 0) return null;
  const rows = erased.map((i) => Math.floor(i / 32));
  const columns = erased.map((i) => i % 32);
  const [top, left] = [Math.min(...rows), Math.min(...columns)];
  const box = { top, left, height: Math.max(...rows) - top + 1, width: Math.max(...columns) - left + 1 };
  expect(erased).toHaveLength(box.height * box.width); // it is a rectangle, and all of it
  return box;
}

function boxesOf(request: Request): (Box | null)[] {
  return imagesOf(batch(request)).map(erasedBox);
}

test('offsets of the crop are uniform, those of both axes independent', () => {
  // Red tells the row of a pixel, green its column: the middle one tells where the crop was taken.
  const record = Uint8Array.from({ length: 1 + IMAGE_FLOATS }, (_, i) => {
    const pixel = (i - 1) % PLANE;
    if (i === 0) return 0;
    return [8 * Math.floor(pixel / 32), 8 * (pixel % 32), 0][Math.floor((i - 1) / PLANE)] as number;
  });
  const file = join(temporaryFolder(), 'positions.bin');
  const count = 5000;
  writeFileSync(file, Buffer.concat(Array.from({ length: count }, () => record)));
  const shifts = imagesOf(batch({ keys: ['translate=2'], batchSize: count, files: [file] })).map((image) => {
    const middle = 16 * 32 + 16;
    const y = ((image[middle] as number) * 0.247 + 0.4914) * (255 / 8) - 16;
    const x = ((image[PLANE + middle] as number) * 0.2435 + 0.4822) * (255 / 8) - 16;
    return `${Math.round(y)},${Math.round(x)}`;
  });
  const counts = new Map<string, number>();
  for (const shift of shifts) counts.set(shift, (counts.get(shift) ?? 0) + 1);
  expect(counts.size).toBe(25);
  // χ² with 24 degrees of freedom: mean 24, 51 is exceeded once in a thousand.
  const chiSquare = [...counts.values()].reduce((sum, found) => sum + (found - 200) ** 2 / 200, 0);
  expect(chiSquare).toBeLessThan(51);
});

describe('cutout', () => {
  test('sets a square inside the image to the mean, every place being equally likely', () => {
    const boxes = boxesOf({ keys: ['cutout.size=12'] });
    for (const box of boxes) expect(box).toMatchObject({ height: 12, width: 12 });
    const tops = boxes.map((box) => (box as Box).top);
    expect([Math.min(...tops), Math.max(...tops)]).toEqual([0, 20]);
    expect(mean(tops)).toBeGreaterThan(9.2); // 10 ± 4 standard deviations of 0.19
    expect(mean(tops)).toBeLessThan(10.8);
  });

  test('clipped has its centre anywhere: a quarter as much is left in a corner', () => {
    const boxes = boxesOf({ keys: ['cutout={size: 16, clipped: true}'] }) as Box[];
    const heights = boxes.map(({ height }) => height);
    expect([Math.min(...heights), Math.max(...heights)]).toEqual([8, 16]);
    const isWhole = boxes.filter(({ height, width }) => height === 16 && width === 16);
    expect(isWhole.length / 1000).toBeGreaterThan(0.2); // (17/32)² = 0.28 ± 4 · 0.014
    expect(isWhole.length / 1000).toBeLessThan(0.34);
  });

  test('of the whole image leaves nothing', () => {
    expect(batch({ keys: ['cutout.size=32'] }).images.every((value) => value === 0)).toBe(true);
  });
});

test('random erasing keeps to its probability, areas and ratios', () => {
  const keys = [
    'random_erasing={probability: 0.4, min_area: 0.1, max_area: 0.3, min_ratio: 0.5, max_ratio: 2}',
  ];
  const boxes = boxesOf({ keys });
  const erased = boxes.filter((box) => box !== null);
  expect(erased.length / 1000).toBeGreaterThan(0.338); // 0.4 ± 4 · 0.0155
  expect(erased.length / 1000).toBeLessThan(0.462);
  const areas = erased.map(({ height, width }) => (height * width) / PLANE);
  // Sides are rounded to whole pixels: by half a pixel each.
  expect(Math.min(...areas)).toBeGreaterThan(0.1 * 0.9);
  expect(Math.max(...areas)).toBeLessThan(0.3 * 1.1);
  expect(mean(areas)).toBeCloseTo(0.2, 1);
  expect(Math.sqrt(variance(areas))).toBeCloseTo(0.2 / Math.sqrt(12), 1.5);
  const ratios = erased.map(({ height, width }) => Math.log(height / width));
  expect(Math.min(...ratios)).toBeGreaterThan(Math.log(0.5) - 0.15);
  expect(Math.max(...ratios)).toBeLessThan(Math.log(2) + 0.15);
  expect(Math.abs(mean(ratios))).toBeLessThan(0.08); // log-uniform: 0 ± 4 · 0.02
  // All places are used: some box touches each border.
  expect(Math.min(...erased.map(({ top }) => top))).toBe(0);
  expect(Math.max(...erased.map(({ left, width }) => left + width))).toBe(32);
});

describe('mixup and CutMix', () => {
  /** λ of 300 batches, from an image whose partner has another label. */
  function lambdas(keys: readonly string[]): number[] {
    const file = join(temporaryFolder(), 'few.bin');
    writeFileSync(file, readFileSync(SAMPLE_TRAIN).subarray(0, 20 * RECORD_BYTES));
    let isWhole = true;
    const shares = Array.from({ length: 300 }, (_, epoch) => {
      const { labels, targets } = batch({ keys, batchSize: 20, epoch, files: [file] });
      const rows = labels.map((label, row) => {
        const target = (targets as Float32Array).subarray(row * 10, (row + 1) * 10);
        isWhole &&= Math.abs(mean([...target]) - 0.1) < 1e-6; // shares add up to 1
        return target[label] as number;
      });
      return Math.min(...rows); // those with a partner of the same label have 1
    });
    expect(isWhole).toBe(true);
    return shares;
  }

  test('mixup draws its shares from Beta(alpha, alpha)', () => {
    for (const alpha of [0.2, 1, 8]) {
      const shares = lambdas([`mixup_alpha=${alpha}`]);
      const expected = 1 / (4 * (2 * alpha + 1));
      expect(Math.abs(mean(shares) - 0.5)).toBeLessThan(4 * Math.sqrt(expected / 300));
      expect(variance(shares) / expected).toBeGreaterThan(0.7);
      expect(variance(shares) / expected).toBeLessThan(1.3);
    }
  });

  test('mixup adds images in the same shares as their labels', () => {
    const plain = batch({ batchSize: 20 });
    const mixed = batch({ keys: ['mixup_alpha=1'], batchSize: 20 });
    expect(mixed.labels).toEqual(plain.labels);
    const originals = imagesOf(plain);
    const partners = imagesOf(mixed).map((image, row) => {
      const target = (mixed.targets as Float32Array).subarray(row * 10, (row + 1) * 10);
      const lambda = Math.min(
        ...mixed.labels.map((label, i) => (mixed.targets as Float32Array)[i * 10 + label] as number),
      );
      const isMix = (other: Float32Array) =>
        image.every((value, i) => {
          const sum = lambda * (originals[row]?.[i] as number) + (1 - lambda) * (other[i] as number);
          return Math.abs(value - sum) < 1e-5;
        });
      const partner = originals.findIndex(isMix);
      expect(partner).toBeGreaterThanOrEqual(0);
      const label = plain.labels[partner] as number;
      expect(target[label]).toBeCloseTo(label === plain.labels[row] ? 1 : 1 - lambda, 5);
      return partner;
    });
    expect(new Set(partners).size).toBe(20); // a permutation
  });

  test('CutMix pastes one rectangle and counts its pixels', () => {
    const areas = Array.from({ length: 60 }, (_, epoch) => {
      const plain = imagesOf(batch({ batchSize: 20, epoch }));
      const { images, labels, targets } = batch({ keys: ['cutmix_alpha=1'], batchSize: 20, epoch });
      const mixed = imagesOf({ images, labels });
      const isPasted = Array.from({ length: PLANE }, (_, i) =>
        mixed.some((image, row) => image[i] !== (plain[row] as Float32Array)[i]),
      );
      const pasted = isPasted.flatMap((flag, i) => (flag ? [i] : []));
      const rows = pasted.map((i) => Math.floor(i / 32));
      const columns = pasted.map((i) => i % 32);
      const area =
        pasted.length === 0
          ? 0
          : (Math.max(...rows) - Math.min(...rows) + 1) * (Math.max(...columns) - Math.min(...columns) + 1);
      expect(pasted.length).toBe(area);
      const share = Math.min(
        ...labels.map((label, row) => (targets as Float32Array)[row * 10 + label] as number),
      );
      expect(share).toBeCloseTo(1 - area / PLANE, 6);
      return area;
    });
    expect(new Set(areas).size).toBeGreaterThan(20);
    expect(mean(areas) / PLANE).toBeGreaterThan(0.15); // 1 − λ is uniform, and borders take a part of it
    expect(mean(areas) / PLANE).toBeLessThan(0.55);
  });

  test('with both each batch has one of them', () => {
    const keys = ['mixup_alpha=1', 'cutmix_alpha=1'];
    const isCut = Array.from({ length: 100 }, (_, index) => {
      const request = { batchSize: 20, epoch: Math.floor(index / 50), index: index % 50 };
      const plain = imagesOf(batch(request));
      const shares = imagesOf(batch({ ...request, keys })).map((image, row) =>
        mean([...image].map((value, i) => (value === plain[row]?.[i] ? 1 : 0))),
      );
      const ofChanged = shares.filter((share) => share < 1); // an image may be its own partner
      // Mixup leaves a value only where both images have the same; CutMix at least an eighth of the image.
      return ofChanged.length === 0 || mean(ofChanged) > 0.08;
    });
    const cuts = isCut.filter(Boolean).length;
    expect(cuts).toBeGreaterThan(30); // 50 ± 4 · 5
    expect(cuts).toBeLessThan(70);
  });

  test('without them there are no targets', () => {
    expect(batch({}).targets).toBeNull();
  });
});

const EVERYTHING = [
  'flip=alternating',
  'translate=4',
  'policy={name: rand_augment, operations: 2, magnitude: 9}',
  'color_jitter={brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.1}',
  'cutout.size=8',
  'random_erasing.probability=0.5',
  'mixup_alpha=0.2',
  'cutmix_alpha=1',
];

describe.each([
  ['policy rand_augment', ['policy={name: rand_augment, operations: 2, magnitude: 9}']],
  ['policy trivial_augment', ['policy={name: trivial_augment}']],
  ['color_jitter', ['color_jitter={brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.1}']],
  ['cutout', ['cutout.size=8']],
  ['random_erasing', ['random_erasing.probability=1']],
  ['mixup', ['mixup_alpha=0.2']],
  ['cutmix', ['cutmix_alpha=1']],
  ['all together', EVERYTHING],
])('%s', (_name, keys) => {
  test('is the same for the same seed, epoch and index, and another for others', () => {
    const images = (request: Request) =>
      Buffer.from(batch({ keys, batchSize: 100, ...request }).images.buffer);
    const first = images({ epoch: 3, index: 2 });
    expect(images({ epoch: 3, index: 2 }).equals(first)).toBe(true);
    expect(images({ epoch: 4, index: 2 }).equals(first)).toBe(false);
    expect(images({ epoch: 3, index: 3 }).equals(first)).toBe(false);
    expect(images({ epoch: 3, index: 2, seed: 1 }).equals(first)).toBe(false);
  });

  test('changes an image in every epoch anew', () => {
    const dataLoading = configOf(keys, 100);
    const request = { files: [SAMPLE_TRAIN], dataLoading, seed: 0, images: 10, epochs: 4 };
    const { pixels } = loadNative().previewEpochs(request);
    const column = (epoch: number) =>
      Array.from({ length: 10 }, (_, row) => {
        const first = (row * 5 + epoch) * IMAGE_FLOATS;
        return Buffer.from(pixels.subarray(first, first + IMAGE_FLOATS)).toString('base64');
      }).join();
    expect(new Set([0, 1, 2, 3, 4].map(column)).size).toBe(5);
  });

  test('changes neither the order nor the labels of an epoch', () => {
    expect(batch({ keys, epoch: 2 }).labels).toEqual(batch({ epoch: 2 }).labels);
  });

  test('gives finite values in the range of normalized pixels', () => {
    const { images } = batch({ keys });
    const [lowest, highest] = images.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    );
    expect(lowest).toBeGreaterThan(-1.99); // black: −0.4914 / 0.2470
    expect(highest).toBeLessThan(2.13); // white: (1 − 0.4465) / 0.2616
  });
});

test('policies leave some images as they are, and change most', () => {
  const share = (policy: string) => {
    const plain = imagesOf(batch({}));
    const changed = imagesOf(batch({ keys: [`policy=${policy}`] }));
    return mean(changed.map((image, row) => (image.every((value, i) => value === plain[row]?.[i]) ? 1 : 0)));
  };
  const trivial = share('{name: trivial_augment}');
  const twice = share('{name: rand_augment, operations: 2, magnitude: 9}');
  expect(trivial).toBeGreaterThan(1 / 14); // identity, and strengths of nothing
  expect(trivial).toBeLessThan(0.3);
  expect(twice).toBeLessThan(trivial);
});
