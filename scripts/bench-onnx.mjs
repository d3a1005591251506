// Classifies with onnxruntime-node and with this package in turn, A B A B, on the weights of one checkpoint, and prints how many
// times as fast this package is. Before that it compares what both say of real images.
// Usage, after `npm run build` and `npm ci --ignore-scripts --prefix scripts/peers/onnx`:
//   node scripts/bench-onnx.mjs [checkpoint] [--rounds 5] [--python python3]
// Without a checkpoint it trains one on the embedded sample. The Python writes the ONNX file: pip install torch==2.13.0 numpy
// safetensors onnx. A Markdown table goes to stdout. Each measurement is a process of its own: threads of one side that wait for work
// would take time from the other.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { usableCores } from '../dist/lib/cores.js';
import { train } from '../dist/lib/index.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';
import { describeRatios, readBenchArguments, table } from './bench-report.mjs';
import { median } from './statistics.mjs';

const SIDE = join(PACKAGE_ROOT, 'scripts/peers/onnx/classify.mjs');
const EXPORT = join(PACKAGE_ROOT, 'scripts/peers/export_onnx.py');
/** Runs of each batch size in one measurement: a second or two. */
const RUNS = { 1: 400, 256: 12 };
const PRECISIONS = ['fp32', 'bf16'];
/** Of log-probabilities, relative to the largest of them: what rounding to the precision may change. */
const BOUNDS = { fp32: 1e-4, bf16: 0.1 };

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

const classify = (request) => JSON.parse(run(process.execPath, [SIDE, JSON.stringify(request)]));

/** Throws where the two do not say the same; returns what each side tells of itself. */
function compareAnswers({ checkpoint, onnx }, threads) {
  const [fp32, bf16] = PRECISIONS.map((precision) => classify({ checkpoint, precision, threads, runs: {} }));
  const { model, normalization } = fp32;
  const { version, logProbabilities: expected } = classify({ onnx, normalization, threads, runs: {} });
  const scale = Math.max(...expected.map(Math.abs));
  for (const [precision, { logProbabilities }] of Object.entries({ fp32, bf16 })) {
    const differences = logProbabilities.map((value, index) => Math.abs(value - expected[index]));
    const error = Math.max(...differences) / scale;
    process.stderr.write(`${precision}: log-probabilities differ by ${error.toExponential(1)}\n`);
    if (!(error <= BOUNDS[precision]))
      throw new Error(`${precision}: expected at most ${BOUNDS[precision]}; the two do not run the same net`);
  }
  return { model, normalization, version };
}

function measure({ checkpoint, onnx: file }, normalization, rounds, threads) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const onnx = classify({ onnx: file, normalization, threads, runs: RUNS }).seconds;
    for (const precision of PRECISIONS) {
      const ours = classify({ checkpoint, precision, threads, runs: RUNS }).seconds;
      for (const batch of Object.keys(RUNS))
        results.push({ precision, batch, onnx: onnx[batch], ours: ours[batch] });
    }
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  return results;
}

function row(model, precision, batch, results) {
  const own = results.filter((each) => each.precision === precision && each.batch === batch);
  const milliseconds = (side) => (1000 * median(own.map((each) => each[side]))).toFixed(2);
  const ratios = own.map(({ onnx, ours }) => onnx / ours);
  return [
    `infer \`${model}\`, ${precision}, batch ${batch}`,
    milliseconds('onnx'),
    milliseconds('ours'),
    describeRatios(ratios),
  ];
}

async function main() {
  const { rounds, python, positionals } = readBenchArguments(5);
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-onnx-'));
  try {
    const overrides = ['data_loading=sample', 'training.epochs=3', `output_dir=${folder}`];
    const checkpoint = positionals[0] ?? (await train({ overrides })).checkpoint;
    const files = { checkpoint, onnx: join(folder, 'model.onnx') };
    run(python, [EXPORT, checkpoint, files.onnx]);
    const threads = usableCores();
    const { model, normalization, version } = compareAnswers(files, threads);
    const results = measure(files, normalization, rounds, threads);
    const head = ['', `onnxruntime-node ${version}, ms`, 'this package, ms', 'times as fast (spread)'];
    const rows = PRECISIONS.flatMap((precision) =>
      Object.keys(RUNS).map((batch) => row(model, precision, batch, results)),
    );
    process.stdout.write(`${table(head, rows)}\n`);
    process.stdout.write(
      `onnxruntime in float32; ${cpus()[0]?.model ?? process.arch}, ${threads} threads; Node.js ${process.version}; ` +
        `medians of ${rounds} rounds in turn; ${new Date().toISOString().slice(0, 10)}\n`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench-onnx: ${error.message}\n`);
  process.exitCode = 2;
}
