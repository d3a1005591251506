// Owns the picture that shows what an augmentation does: a grid of train images and of what epochs make of them.
// Must not augment anything itself: the pixels come from the core.

import { throwIfAborted } from './abort-signal.js';
import { writeFileAtomic } from './atomic.js';
import { type LoadConfigOptions, loadConfig } from './config/index.js';
import { CLASS_NAMES, resolveDataset } from './dataset/index.js';
import { Cifar10Error } from './errors.js';
import { loadNative } from './native.js';
import { callNative } from './native-job.js';

/**
 * The configuration whose augmentation is drawn, and the picture.
 *
 * @category Dataset
 */
export interface PreviewOptions extends LoadConfigOptions {
  /** Path of the PNG file; one that is there is replaced. */
  output: string;
  /** Rows: the first train images. 1 to 64. Default: 8. */
  images?: number | undefined;
  /** Columns behind the first, which shows the images as they are. 1 to 64. Default: 10. */
  epochs?: number | undefined;
  /** Stops the check of the dataset; drawing takes no time worth stopping. */
  signal?: AbortSignal | undefined;
}

/**
 * The picture that was written.
 *
 * @category Dataset
 */
export interface PreviewResult {
  /** Path of the PNG file, as it was given. */
  output: string;
  /** Of the picture, in pixels. */
  width: number;
  /** Of the picture, in pixels. */
  height: number;
  /** The class of each row. */
  labels: string[];
  /** Columns behind the first. */
  epochs: number;
}

const SIDE = 32;
const CHANNELS = 3;
/** Pixels of the picture for one of an image, each way. */
const SCALE = 3;
const TILE = SIDE * SCALE;
const GAP = 2;
/** Between the images as they are and those of the epochs. */
const WIDE_GAP = 10;
const WHITE = 255;
const MOST = 64;

/**
 * Writes a PNG: a row for each of the first train images, first as it is, then as it would be in the first epochs of a
 * training on these images alone, as one batch; mixup and CutMix mix the rows with each other. Every pixel is shown
 * enlarged, without smoothing. The configuration is that of a training; its model does not matter.
 * Errors: `CONFIG_*`, `DATASET_*`, `INVALID_ARGUMENT`, `LIBTORCH_*`, `ADDON_*`, `DISK_FULL`, `NOT_WRITABLE`, `ABORTED`.
 *
 * @category Dataset
 */
export async function preview(options: PreviewOptions): Promise<PreviewResult> {
  const { output, images = 8, epochs = 10, signal } = options;
  assertCount('images', images);
  assertCount('epochs', epochs);
  throwIfAborted(signal, 'the preview was stopped');
  const { dataLoading, training } = loadConfig(options);
  const native = loadNative();
  const { source, dataDir } = dataLoading;
  const { train } = await resolveDataset({ source, dataDir, signal });
  const request = { files: train.slice(0, 1), dataLoading, seed: training.seed, images, epochs };
  const { pixels, labels } = callNative(() => native.previewEpochs(request));
  const picture = drawGrid(pixels, labels.length, 1 + epochs);
  await writeFileAtomic(output, [await encodePng(picture)]);
  const { width, height } = picture;
  return { output, width, height, labels: labels.map((label) => CLASS_NAMES[label] as string), epochs };
}

function assertCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: `"${name}" of the preview`,
    expected: `an integer from 1 to ${MOST}`,
    found: String(value),
    nextStep: 'give another number',
  });
}

interface Picture {
  /** RGB, interleaved. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** tiles: uint8 [rows, columns, 32, 32, 3] */
function drawGrid(tiles: Uint8Array, rows: number, columns: number): Picture {
  const width = leftOf(columns) - GAP;
  const height = rows * (TILE + GAP) - GAP;
  const data = new Uint8Array(width * height * CHANNELS).fill(WHITE);
  const tileBytes = SIDE * SIDE * CHANNELS;
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const first = (row * columns + column) * tileBytes;
      const corner = row * (TILE + GAP) * width + leftOf(column);
      drawTile(tiles.subarray(first, first + tileBytes), data, corner, width);
    }
  return { data, width, height };
}

function leftOf(column: number): number {
  return column === 0 ? 0 : column * (TILE + GAP) + WIDE_GAP - GAP;
}

/** `corner`: the pixel of the picture where the tile begins. */
function drawTile(tile: Uint8Array, data: Uint8Array, corner: number, width: number): void {
  for (let y = 0; y < TILE; y++)
    for (let x = 0; x < TILE; x++) {
      const from = (Math.floor(y / SCALE) * SIDE + Math.floor(x / SCALE)) * CHANNELS;
      data.set(tile.subarray(from, from + CHANNELS), (corner + y * width + x) * CHANNELS);
    }
}

async function encodePng({ data, width, height }: Picture): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  return sharp(data, { raw: { width, height, channels: CHANNELS } })
    .png({ compressionLevel: 9 })
    .toBuffer();
}
