// @ts-check
// Owns the sample pictures: two test images of each class, cut out of one sheet (scripts/make-gallery.mjs).
// Must not classify anything.
import { contextOf, encode, find, make } from './dom.js';

const SIDE = 32;
const ROWS = 2;

/** The columns of samples.png from the left: the classes in the order of their labels. */
export const CLASS_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/** @type {Promise<HTMLImageElement> | null} */
let sheet = null;

/**
 * Lays out the samples.
 *
 * @param {(sample: { blob: Blob, name: string, trueLabel: string }) => void} take gets the picture that the person picks: a PNG
 *   of the 32×32 pixels as they stand in the dataset
 */
export function layOutSamples(take) {
  const columns = CLASS_NAMES.map((label, column) => {
    const tiles = Array.from({ length: ROWS }, (_, row) => {
      const tile = makeTile(label, column, row);
      tile.addEventListener('click', async () => {
        take({ blob: await cutOut(column, row), name: `A sample labelled ${label}`, trueLabel: label });
      });
      return tile;
    });
    return make('li', 'sample', ...tiles, make('span', 'sample-label', label));
  });
  find('samples', HTMLElement).replaceChildren(...columns);
}

/**
 * @param {string} label
 * @param {number} column
 * @param {number} row
 */
function makeTile(label, column, row) {
  const tile = make('button', 'tile');
  tile.type = 'button';
  tile.ariaLabel = `Classify sample ${row + 1} labelled ${label}`;
  tile.style.backgroundPosition = `${(column / (CLASS_NAMES.length - 1)) * 100}% ${(row / (ROWS - 1)) * 100}%`;
  return tile;
}

/**
 * @param {number} column
 * @param {number} row
 */
async function cutOut(column, row) {
  sheet ??= loadSheet();
  const canvas = make('canvas', '');
  canvas.width = SIDE;
  canvas.height = SIDE;
  const area = /** @type {const} */ ([column * SIDE, row * SIDE, SIDE, SIDE, 0, 0, SIDE, SIDE]);
  contextOf(canvas).drawImage(await sheet, ...area);
  return encode(canvas, 'image/png');
}

async function loadSheet() {
  const image = new Image();
  image.src = 'samples.png';
  await image.decode();
  return image;
}
