// Makes lib/serve/page/samples.webp (lossless), the gallery of the page that `serve` shows: two test images of each class of the
// embedded sample. Of the 15 most colourful ones it takes those whose PNG is smallest, because they are calm behind what they show.
// No net chooses: the gallery may well show what a net gets wrong.
// Usage, after `npm run build:ts`: node scripts/make-gallery.mjs
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { CLASS_NAMES, IMAGE_SIDE, PLANE_BYTES, RECORD_BYTES } from '../dist/lib/dataset/facts.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';

const IMAGES_PER_CLASS = 2;
const COLOURFUL_PER_CLASS = 15;
const PNG = { compressionLevel: 9, adaptiveFiltering: true };
const WEBP = { lossless: true, effort: 6 };
const IMAGE = { width: IMAGE_SIDE, height: IMAGE_SIDE, channels: 3 };
const SHEET = { width: CLASS_NAMES.length * IMAGE_SIDE, height: IMAGES_PER_CLASS * IMAGE_SIDE, channels: 3 };

/** The records of a file of the dataset: the label, and the planes R, G and B, uint8 [3,32,32]. */
function readRecords(path) {
  const file = readFileSync(path);
  return Array.from({ length: file.length / RECORD_BYTES }, (_, i) => {
    const record = file.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES);
    return { label: record[0], planes: record.subarray(1) };
  });
}

/** Hasler and Süsstrunk, "Measuring colourfulness in natural images" (2003), equation 11. */
function colourfulness(planes) {
  const [redGreen, yellowBlue] = [[], []];
  for (let i = 0; i < PLANE_BYTES; i++) {
    const [red, green, blue] = [planes[i], planes[PLANE_BYTES + i], planes[2 * PLANE_BYTES + i]];
    redGreen.push(red - green);
    yellowBlue.push((red + green) / 2 - blue);
  }
  const [a, b] = [moments(redGreen), moments(yellowBlue)];
  return Math.hypot(a.deviation, b.deviation) + 0.3 * Math.hypot(a.mean, b.mean);
}

function moments(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

/** From planes uint8 [3,32,32] to interleaved uint8 [32,32,3]. */
function interleave(planes) {
  return Uint8Array.from(
    { length: 3 * PLANE_BYTES },
    (_, i) => planes[(i % 3) * PLANE_BYTES + Math.floor(i / 3)],
  );
}

async function measure({ planes }) {
  const pixels = interleave(planes);
  const { length } = await sharp(pixels, { raw: IMAGE }).png(PNG).toBuffer();
  return { pixels, colourfulness: colourfulness(planes), sizeBytes: length };
}

/** Of equals the first in the file: `sort` is stable. */
async function chooseOfClass(records, label) {
  const measured = await Promise.all(records.filter((record) => record.label === label).map(measure));
  return measured
    .sort((a, b) => b.colourfulness - a.colourfulness)
    .slice(0, COLOURFUL_PER_CLASS)
    .sort((a, b) => a.sizeBytes - b.sizeBytes)
    .slice(0, IMAGES_PER_CLASS);
}

const records = readRecords(join(PACKAGE_ROOT, 'lib', 'dataset', 'sample', 'test.bin'));
const layers = [];
for (const label of CLASS_NAMES.keys())
  for (const [row, { pixels }] of (await chooseOfClass(records, label)).entries())
    layers.push({ input: pixels, raw: IMAGE, left: label * IMAGE_SIDE, top: row * IMAGE_SIDE });
const path = join(PACKAGE_ROOT, 'lib', 'serve', 'page', 'samples.webp');
const { size } = await sharp({ create: { ...SHEET, background: 'black' } })
  .composite(layers)
  .removeAlpha()
  .webp(WEBP)
  .toFile(path);
console.log(`${path}: ${SHEET.width}x${SHEET.height}, ${size} bytes`);
