// The command `preview`: real runs, whose pictures are read pixel by pixel.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { CLASS_NAMES } from '../../lib/dataset/index.js';
import { interleave, readSample, SAMPLE_TRAIN, temporaryFolder } from '../support.js';
import { runCli } from './run-cli.js';

const [SCALE, GAP, WIDE_GAP] = [3, 2, 10];
const TILE = 32 * SCALE;
const SAMPLE = 'data_loading=sample';
const PLAIN = ['data_loading.augmentation.flip=none', 'data_loading.augmentation.translate=0'];
const records = readSample(SAMPLE_TRAIN);

interface Picture {
  data: Buffer;
  width: number;
  height: number;
}

async function draw(words: readonly string[], name = 'preview.png'): Promise<Picture> {
  const output = join(temporaryFolder(), name);
  const { exitCode, stderr } = await runCli(['preview', SAMPLE, ...words, '--output', output, '--quiet']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const { data, info } = await sharp(output).raw().toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  return { data, width: info.width, height: info.height };
}

/** The pixels of one tile, [32,32,3]; every pixel of an image must be a square of one colour. */
function tile({ data, width }: Picture, row: number, column: number): Uint8Array {
  const left = column === 0 ? 0 : TILE + WIDE_GAP + (column - 1) * (TILE + GAP);
  const at = (y: number, x: number) => {
    const start = ((row * (TILE + GAP) + y) * width + left + x) * 3;
    return [...data.subarray(start, start + 3)];
  };
  const pixels: number[] = [];
  for (let y = 0; y < TILE; y += SCALE)
    for (let x = 0; x < TILE; x += SCALE) {
      expect(at(y + SCALE - 1, x + SCALE - 1)).toEqual(at(y, x));
      pixels.push(...at(y, x));
    }
  return Uint8Array.from(pixels);
}

test('the first column is the dataset, and without augmentation all columns are', async () => {
  const picture = await draw([...PLAIN, '--images', '3', '--epochs', '2']);
  expect([picture.width, picture.height]).toEqual([TILE + WIDE_GAP + 2 * TILE + GAP, 3 * TILE + 2 * GAP]);
  for (const row of [0, 1, 2])
    for (const column of [0, 1, 2])
      expect(tile(picture, row, column)).toEqual(interleave(records[row]?.pixels as Uint8Array));
});

test('flip, crop and cutout change every epoch, not the originals', async () => {
  const picture = await draw(['data_loading.augmentation.cutout.size=12', '--images', '2', '--epochs', '3']);
  for (const row of [0, 1]) {
    expect(tile(picture, row, 0)).toEqual(interleave(records[row]?.pixels as Uint8Array));
    const seen = [0, 1, 2, 3].map((column) => Buffer.from(tile(picture, row, column)).toString('hex'));
    expect(new Set(seen).size).toBe(4);
    for (const column of [1, 2, 3]) {
      const pixels = tile(picture, row, column);
      const mean = pixels.filter(
        (_, i) => i % 3 === 0 && pixels[i] === 125 && pixels[i + 1] === 123 && pixels[i + 2] === 114,
      );
      expect(mean.length).toBeGreaterThanOrEqual(144); // 255 times the means, rounded
    }
  }
});

test('mixup mixes the rows with each other', async () => {
  const words = [...PLAIN, 'data_loading.augmentation.mixup_alpha=1', '--images', '2', '--epochs', '8'];
  const picture = await draw(words);
  const [first, second] = [tile(picture, 0, 0), tile(picture, 1, 0)];
  const isMixed = [1, 2, 3, 4, 5, 6, 7, 8].map((column) => {
    const [top, bottom] = [tile(picture, 0, column), tile(picture, 1, column)];
    // Shares of λ and 1 − λ in one row, of 1 − λ and λ in the other: the sum stays, each rounded.
    const isSum = top.every((value, i) => {
      const sum = (first[i] as number) + (second[i] as number);
      return Math.abs(value + (bottom[i] as number) - sum) <= 1;
    });
    const isSame = top.every((value, i) => value === first[i]);
    expect(isSum || isSame).toBe(true);
    return !isSame;
  });
  expect(isMixed.filter(Boolean).length).toBeGreaterThan(0);
});

test('--json tells what was drawn; a picture that is there is replaced', async () => {
  const output = join(temporaryFolder(), 'new', 'a.PNG');
  const words = ['preview', SAMPLE, '--images', '2', '--epochs', '1', '--output', output];
  const { stdout } = await runCli([...words, '--json']);
  expect(JSON.parse(stdout)).toEqual({
    output,
    width: 2 * TILE + WIDE_GAP,
    height: 2 * TILE + GAP,
    labels: records.slice(0, 2).map(({ label }) => CLASS_NAMES[label]),
    epochs: 1,
  });
  writeFileSync(output, 'old');
  expect((await runCli(words)).stdout).toBe(`2 images in 1 epoch, 202x194 pixels: ${output}\n`);
  expect(readFileSync(output).subarray(1, 4).toString()).toBe('PNG');
});

test.each([
  [['--output', 'a.jpg'], /^error USAGE: --output: expected a file named \.png, found "a\.jpg"/],
  [['--images', '65'], /^error USAGE: --images: expected an integer from 1 to 64, found 65/],
  [['--epochs', '0'], /^error USAGE: --epochs: expected an integer from 1 to 64, found 0/],
  [['data_loading.augmentation.translate=17'], /^error CONFIG_INVALID_VALUE: .*translate/],
])('%j is refused with exit code 2', async (words, message) => {
  const { exitCode, stderr, stdout } = await runCli(['preview', SAMPLE, ...words]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(existsSync('a.jpg')).toBe(false);
});

test('a place that cannot be written is an error with a code', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const { exitCode, stderr } = await runCli(['preview', SAMPLE, '--output', join(file, 'a.png'), '--quiet']);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error NOT_WRITABLE: /);
});
