// Classifies the 10,000 test images of CIFAR-10 as PNG files in a folder, and measures in turn what that is made of: forward passes
// alone, sharp's decoding alone, this package's decoding alone, and the whole.
// Usage, after `npm run build` and `npx cifar10-torch download`:
//   node scripts/bench-infer.mjs [checkpoint] [--rounds 5]
// Without a checkpoint it trains one, of the default net, on the embedded sample. A Markdown table goes to stdout. Each measurement is
// a process of its own; starting it and opening the checkpoint do not count.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { usableCores } from '../dist/lib/cores.js';
import { resolveDataset } from '../dist/lib/dataset/index.js';
import { decodeImage } from '../dist/lib/images/index.js';
import { bench, infer, train } from '../dist/lib/index.js';
import { describeRatios, readBenchArguments, table } from './bench-report.mjs';
import { median } from './statistics.mjs';

const SIDE = 32;
const PLANE = SIDE * SIDE;
const RECORD_BYTES = 1 + 3 * PLANE;
const BATCH = 256;
/** Images that are decoded at the same time: enough for all threads of Node.js's pool. */
const AT_ONCE = 16;
const SHARE_WANTED = 0.7;

/** Interleaved pixels of a record's three planes. */
function pixelsOf(record) {
  return Buffer.from(
    Array.from({ length: 3 * PLANE }, (_, at) => record[1 + (at % 3) * PLANE + Math.floor(at / 3)]),
  );
}

/** In folders of a thousand, as people keep them. */
async function writeImages(folder) {
  const { test } = await resolveDataset({ source: 'cifar10', dataDir: null });
  const bytes = readFileSync(test[0]);
  const raw = { width: SIDE, height: SIDE, channels: 3 };
  for (let index = 0; index * RECORD_BYTES < bytes.length; index++) {
    const record = bytes.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
    const below = join(folder, String(Math.floor(index / 1000)));
    mkdirSync(below, { recursive: true });
    await sharp(pixelsOf(record), { raw })
      .png()
      .toFile(join(below, `${String(index).padStart(5, '0')}.png`));
  }
}

function readFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.png'))
    .map((name) => readFileSync(join(folder, name)));
}

async function rateOf(files, decode) {
  const left = files.values();
  const work = async () => {
    for (const file of left) await decode(file);
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return (1000 * files.length) / (performance.now() - begun);
}

/** Images per second of each part; run in a process of its own. */
const PARTS = {
  async bench() {
    return (await bench({ mode: 'infer', overrides: [`data_loading.batch_size=${BATCH}`] })).imagesPerSecond;
  },
  sharp: ({ folder }) => rateOf(readFiles(folder), (file) => sharp(file).raw().toBuffer()),
  decode: ({ folder }) => rateOf(readFiles(folder), (file) => decodeImage(file)),
  async infer({ folder, checkpoint }) {
    let begun = 0;
    let count = 0;
    const onStart = () => {
      begun = performance.now();
    };
    for await (const record of infer({ testDir: folder, checkpoint, onStart }))
      if (!('error' in record)) count++;
    return (1000 * count) / (performance.now() - begun);
  },
};

function measure(part, files) {
  const args = [fileURLToPath(import.meta.url), '--part', JSON.stringify({ part, ...files })];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${part}: ${stderr}`);
  return Number(stdout);
}

function measureRounds(rounds, files) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    results.push(Object.fromEntries(Object.keys(PARTS).map((part) => [part, measure(part, files)])));
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  return results;
}

function report(results) {
  const rate = (part) => String(Math.round(median(results.map((each) => each[part]))));
  const shares = results.map((each) => each.infer / Math.min(each.bench, each.sharp));
  return table(
    ['10,000 PNG files of 32x32 pixels', 'images/s'],
    [
      [`forward passes alone: \`bench infer --batch ${BATCH}\``, rate('bench')],
      ['decoding alone, by sharp', rate('sharp')],
      ['decoding alone, by this package', rate('decode')],
      ['`infer` of the folder', rate('infer')],
      [`share of the slower of the first two (spread); wanted: ${SHARE_WANTED}`, describeRatios(shares)],
    ],
  );
}

async function main() {
  const { rounds, positionals } = readBenchArguments(5);
  const root = mkdtempSync(join(tmpdir(), 'cifar10-torch-infer-'));
  try {
    const folder = join(root, 'images');
    await writeImages(folder);
    const overrides = ['data_loading=sample', 'training.epochs=1', `output_dir=${root}`];
    const checkpoint = positionals[0] ?? (await train({ overrides })).checkpoint;
    process.stdout.write(report(measureRounds(rounds, { folder, checkpoint })));
    process.stdout.write(
      `\n${cpus()[0]?.model ?? process.arch}, ${usableCores()} cores; Node.js ${process.version}; ` +
        `medians of ${rounds} rounds in turn; ${new Date().toISOString().slice(0, 10)}\n`,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

try {
  if (process.argv[2] === '--part') {
    const { part, ...files } = JSON.parse(process.argv[3]);
    process.stdout.write(String(await PARTS[part](files)));
  } else await main();
} catch (error) {
  process.stderr.write(`bench-infer: ${error.message}\n`);
  process.exitCode = 2;
}
