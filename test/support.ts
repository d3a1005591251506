// Owns what several test files share: the sample's records, temporary folders, small and fast trainings.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, onTestFinished } from 'vitest';
import { type Prediction, type TrainOptions, train } from '../lib/index.js';
import { PACKAGE_ROOT } from '../lib/package-root.js';

export const RECORD_BYTES = 3073;
export const SAMPLE_TRAIN = join(PACKAGE_ROOT, 'lib/dataset/sample/train.bin');
export const SAMPLE_TEST = join(PACKAGE_ROOT, 'lib/dataset/sample/test.bin');

export interface SampleRecord {
  label: number;
  /** uint8 [3,32,32] */
  pixels: Uint8Array;
}

export function readSample(path: string): SampleRecord[] {
  const bytes = readFileSync(path);
  return Array.from({ length: bytes.length / RECORD_BYTES }, (_, index) => {
    const record = bytes.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
    return { label: record[0] as number, pixels: Uint8Array.from(record.subarray(1)) };
  });
}

/** [3,32,32] planes -> [32,32,3] interleaved. */
export function interleave(planes: Uint8Array): Uint8Array {
  return Uint8Array.from(planes, (_, index) => planes[(index % 3) * 1024 + Math.floor(index / 3)] as number);
}

let sampleTest: SampleRecord[] | undefined;

/** A test image of the sample as raw pixels; rows beyond the last begin anew. */
export function rawPicture(row: number) {
  sampleTest ??= readSample(SAMPLE_TEST);
  const { pixels } = sampleTest[row % sampleTest.length] as SampleRecord;
  return { data: interleave(pixels), width: 32, height: 32, channels: 3 as const };
}

/** The same as a PNG file. */
export function pngPicture(row: number): Promise<Buffer> {
  const { data, ...layout } = rawPicture(row);
  return sharp(data, { raw: layout }).png().toBuffer();
}

/** A new folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A net of a few thousand parameters: an epoch of the sample takes a fraction of a second. */
export const TINY = [
  'data_loading=sample',
  'model.widths=[8,8,8]',
  'training.epochs=1',
  'training.tta_level=0',
];

/** Trains on the sample into `outputDir`. */
export function trainSample(
  outputDir: string,
  overrides: readonly string[] = [],
  options: Omit<TrainOptions, 'overrides'> = {},
) {
  return train({ ...options, overrides: [...TINY, `output_dir=${outputDir}`, ...overrides] });
}

/** Of the same image in float32: the same classes, and probabilities that differ by what rounding in other batches does. */
export function expectAlike(prediction: Prediction | undefined, expected: Prediction | undefined): void {
  const labels = (each: Prediction | undefined) => each?.topK.map(({ label }) => label);
  expect(labels(prediction)).toEqual(labels(expected));
  expect(labels(prediction)).not.toBeUndefined();
  for (const [place, { probability }] of (prediction?.topK ?? []).entries())
    expect(probability).toBeCloseTo(expected?.topK[place]?.probability ?? Number.NaN, 5);
}
