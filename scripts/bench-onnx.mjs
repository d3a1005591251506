// Classifies with onnxruntime-node and with this package in turn, A B A B, on the weights of one checkpoint, and prints how many
// times as fast this package is. Before that it compares what both say of real images.
// Usage, after `npm run build` and `npm ci --ignore-scripts --prefix scripts/peers/onnx`:
//   node scripts/bench-onnx.mjs [checkpoint] [--rounds 5] [--python python3]
// Without a checkpoint it trains one on the embedded sample. The Python writes the ONNX file: pip install torch==2.13.0 numpy
// safetensors onnx. A Markdown table goes to stdout. Each measurement is a process of its own: threads of one side that wait for work
// would take time from the other.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { train } from '../dist/lib/index.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';
import { median, spread } from './statistics.mjs';

const SIDE = join(PACKAGE_ROOT, 'scripts/peers/onnx/classify.mjs');
const EXPORT = join(PACKAGE_ROOT, 'scripts/peers/export_onnx.py');
/** Runs of each batch size in one measurement: a second or two. */
const RUNS = { 1: 400, 256: 12 };
const PRECISIONS = ['fp32', 'bf16'];
/** Of log-probabilities, relative to the largest of them: what rounding to the precision may change. */
const BOUNDS = { fp32: 1e-4, bf16: 0.1 };

function readArguments() {
  const options = {
    rounds: { type: 'string', default: '5' },
    python: { type: 'string', default: 'python3' },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: expected an integer from 1');
  return { checkpoint: positionals[0], rounds, python: values.python };
}

function run(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

const classify = (request) => JSON.parse(run(process.execPath, [SIDE, JSON.stringify(request)]));

function compareAnswers(files, threads) {
  const answers = (request) => classify({ ...request, threads, runs: {} }).logProbabilities;
  const expected = answers({ onnx: files.onnx });
  const scale = Math.max(...expected.map(Math.abs));
  for (const precision of PRECISIONS) {
    const found = answers({ checkpoint: files.checkpoint, precision });
    const error = Math.max(...found.map((value, index) => Math.abs(value - expected[index]))) / scale;
    process.stderr.write(`${precision}: log-probabilities differ by ${error.toExponential(1)}\n`);
    if (!(error <= BOUNDS[precision]))
      throw new Error(`${precision}: expected at most ${BOUNDS[precision]}; the two do not run the same net`);
  }
}

function measure(files, { rounds }, threads) {
  const results = [];
  for (let round = 0; round < rounds; round++) {
    const onnx = classify({ onnx: files.onnx, threads, runs: RUNS }).seconds;
    for (const precision of PRECISIONS) {
      const ours = classify({ checkpoint: files.checkpoint, precision, threads, runs: RUNS }).seconds;
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
    `**${median(ratios).toFixed(2)}** (${spread(ratios)})`,
  ];
}

async function main() {
  const args = readArguments();
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-onnx-'));
  try {
    const overrides = ['data_loading=sample', 'training.epochs=3', `output_dir=${folder}`];
    const checkpoint = args.checkpoint ?? (await train({ overrides })).checkpoint;
    const files = { checkpoint, onnx: join(folder, 'model.onnx') };
    run(args.python, [EXPORT, checkpoint, files.onnx]);
    const threads = availableParallelism();
    compareAnswers(files, threads);
    const results = measure(files, args, threads);
    const { model } = classify({ checkpoint, precision: 'bf16', threads, runs: {} });
    const { version } = classify({ onnx: files.onnx, threads, runs: {} });
    const head = ['', `onnxruntime-node ${version}, ms`, 'this package, ms', 'times as fast (spread)'];
    const rows = PRECISIONS.flatMap((precision) =>
      Object.keys(RUNS).map((batch) => row(model, precision, batch, results)),
    );
    const lines = [head, head.map(() => '---'), ...rows];
    process.stdout.write(`${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n\n`);
    process.stdout.write(
      `onnxruntime in float32; ${cpus()[0]?.model ?? process.arch}, ${threads} threads; Node.js ${process.version}; ` +
        `medians of ${args.rounds} rounds in turn; ${new Date().toISOString().slice(0, 10)}\n`,
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
