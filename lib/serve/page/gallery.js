// @ts-check
// Owns the sample pictures: two test images of each class, cut out of one sheet (scripts/make-gallery.mjs).
// Must not classify anything.
import { contextOf, encode, find, make } from './dom.js';

const SIDE = 32;
const ROWS = 2;

/** The columns of samples.webp from the left: the classes in the order of their labels. */
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

/**
 * Lays out the samples.
 *
 * @param {(sample: { blob: Blob, name: string, trueLabel: string }) => void} take gets the picture that the person picks: a PNG
 *   of the 32×32 pixels as they stand in the dataset
 */
export function layOutSamples(take) {
  const sheet = loadSheet();
  sheet.catch(() => find('samples', HTMLElement).closest('section')?.remove());
  const columns = CLASS_NAMES.map((label, column) => {
    const tiles = Array.from({ length: ROWS }, (_, row) => {
      const canvas = make('canvas', '');
      const drawn = sheet.then((image) => cutOut(image, column, row, canvas));
      return makeTile(`Classify sample ${row + 1} labelled ${label}`, canvas, async () => {
        await drawn;
        take({
          blob: await encode(canvas, 'image/png'),
          name: `A sample labelled ${label}`,
          trueLabel: label,
        });
      });
    });
    return make('li', 'sample', ...tiles, make('span', 'sample-label', label));
  });
  find('samples', HTMLElement).replaceChildren(...columns);
}

/**
 * @param {string} name
 * @param {HTMLCanvasElement} canvas
 * @param {() => void} pick
 */
function makeTile(name, canvas, pick) {
  const tile = make('button', 'tile', canvas);
  tile.type = 'button';
  tile.ariaLabel = name;
  tile.addEventListener('click', pick);
  return tile;
}

async function loadSheet() {
  const image = new Image();
  image.src = 'samples.webp';
  await image.decode();
  return image;
}

/**
 * @param {HTMLImageElement} sheet
 * @param {number} column
 * @param {number} row
 * @param {HTMLCanvasElement} canvas
 */
function cutOut(sheet, column, row, canvas) {
  canvas.width = SIDE;
  canvas.height = SIDE;
  contextOf(canvas).drawImage(sheet, column * SIDE, row * SIDE, SIDE, SIDE, 0, 0, SIDE, SIDE);
}
