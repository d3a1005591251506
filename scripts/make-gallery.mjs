// Makes lib/serve/page/samples.png, the gallery of the page that `serve` shows: of each class the two most colourful test images
// of the embedded sample. A measure of the pixels chooses, and no net: the gallery may well show one that a net gets wrong.
// Usage, after `npm run build:ts`: node scripts/make-gallery.mjs
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { CLASS_NAMES, IMAGE_SIDE, PLANE_BYTES, RECORD_BYTES } from '../dist/lib/dataset/facts.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';

const IMAGES_PER_CLASS = 2;
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

/** The first of equals is the one that comes first in the file: `sort` is stable. */
function chooseOfClass(records, label) {
  return records
    .filter((record) => record.label === label)
    .map(({ planes }) => ({ planes, score: colourfulness(planes) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, IMAGES_PER_CLASS);
}

/** Copies planes uint8 [3,32,32] into the interleaved sheet, at its column and row of images. */
function place(sheet, planes, column, row) {
  for (let i = 0; i < PLANE_BYTES; i++) {
    const x = column * IMAGE_SIDE + (i % IMAGE_SIDE);
    const y = row * IMAGE_SIDE + Math.floor(i / IMAGE_SIDE);
    for (let channel = 0; channel < 3; channel++)
      sheet[(y * SHEET.width + x) * 3 + channel] = planes[channel * PLANE_BYTES + i];
  }
}

const records = readRecords(join(PACKAGE_ROOT, 'lib', 'dataset', 'sample', 'test.bin'));
const sheet = Buffer.alloc(SHEET.width * SHEET.height * 3);
for (const label of CLASS_NAMES.keys())
  for (const [row, { planes }] of chooseOfClass(records, label).entries()) place(sheet, planes, label, row);
const path = join(PACKAGE_ROOT, 'lib', 'serve', 'page', 'samples.png');
const { size } = await sharp(sheet, { raw: SHEET })
  .png({ compressionLevel: 9, adaptiveFiltering: true })
  .toFile(path);
console.log(`${path}: ${SHEET.width}x${SHEET.height}, ${size} bytes`);
