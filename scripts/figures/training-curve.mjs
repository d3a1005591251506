// Draws the runs of a sweep over the minutes they took: accuracy on the training images by epoch, on the test images at the end.
// Usage, after `npm ci --ignore-scripts --prefix scripts/figures`:
//   node scripts/figures/training-curve.mjs <folder of the sweep> docs/images/training.svg
// Reads run.json and metrics.jsonl of each job below the folder, as scripts/reproduce.mjs leaves them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

const TRAIN = 'training images, augmented';
const TEST = 'test images';
const TTA = 'test images, six views averaged';

/** A point an epoch, and those of the final test. */
function pointsOf(folder) {
  const { seed, durationSeconds, test } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  let seconds = 0;
  const epochs = lines.map((line) => {
    const { accuracy, durationSeconds } = JSON.parse(line);
    seconds += durationSeconds;
    return { seed, images: TRAIN, minutes: seconds / 60, accuracy };
  });
  const end = { seed, minutes: durationSeconds / 60 };
  return [
    ...epochs,
    { ...end, images: TEST, accuracy: test.accuracy },
    { ...end, images: TTA, accuracy: test.ttaAccuracy },
  ];
}

function specification(values) {
  const encoding = {
    x: { field: 'minutes', type: 'quantitative', title: 'minutes', axis: { tickMinStep: 1, grid: false } },
    y: {
      field: 'accuracy',
      type: 'quantitative',
      title: 'accuracy',
      scale: { domain: [0.5, 1] },
      axis: { format: '.0%' },
    },
    color: {
      field: 'images',
      type: 'nominal',
      title: null,
      sort: [TRAIN, TEST, TTA],
      scale: { range: ['#4c78a8', '#f58518', '#e45756'] },
      legend: { orient: 'bottom', labelLimit: 300 },
    },
    detail: { field: 'seed' },
  };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    width: 560,
    height: 260,
    padding: 12,
    data: { values },
    layer: [
      {
        mark: { type: 'line', point: true },
        transform: [{ filter: { field: 'images', equal: TRAIN } }],
        encoding,
      },
      {
        mark: { type: 'point', filled: true, size: 70 },
        transform: [{ filter: { field: 'images', oneOf: [TEST, TTA] } }],
        encoding,
      },
      {
        data: { values: [{ accuracy: 0.94 }] },
        mark: { type: 'rule', strokeDash: [4, 4], color: '#888' },
        encoding: { y: encoding.y },
      },
      {
        data: { values: [{ accuracy: 0.94, minutes: 0, text: '94 %' }] },
        mark: { type: 'text', align: 'left', baseline: 'bottom', dx: 4, dy: -3, color: '#666' },
        encoding: { x: encoding.x, y: encoding.y, text: { field: 'text' } },
      },
    ],
    config: { font: 'sans-serif', view: { stroke: null }, axis: { labelFontSize: 12, titleFontSize: 12 } },
  };
}

const [sweep, output] = process.argv.slice(2);
if (sweep === undefined || output === undefined) {
  console.error('Usage: node scripts/figures/training-curve.mjs <folder of the sweep> <file.svg>');
  process.exit(2);
}
const jobs = readdirSync(sweep, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const values = jobs.flatMap(({ name }) => pointsOf(join(sweep, name)));
const view = new View(parse(compile(specification(values)).spec), { renderer: 'none' });
writeFileSync(output, await view.toSVG());
