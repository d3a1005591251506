// Runs a Python peer and this package in turn, A B A B, and prints how many times as fast this package is: a ratio of two neighbours
// in time holds where absolute speeds on a shared machine do not.
// Usage, after `npm run build`: node scripts/bench-peers.mjs [case…] [--rounds 3] [--python python3]
// A case is mode:model:batch:precision, as train:fast:2000:bf16; without any, those of the README. Progress goes to stderr, a Markdown
// table to stdout. The Python needs PyTorch: pip install torch==2.13.0 numpy.
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { usableCores } from '../dist/lib/cores.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';
import { describeRatios, readBenchArguments, table } from './bench-report.mjs';
import { median } from './statistics.mjs';

const CLI = join(PACKAGE_ROOT, 'dist/bin/cifar10-torch.js');
const PEER = join(PACKAGE_ROOT, 'scripts/peers/throughput.py');
const CASES = [
  'train:fast:2000:bf16',
  'train:resnet18:128:bf16',
  'train:resnet20:128:bf16',
  'infer:fast:256:bf16',
  'infer:fast:256:fp32',
];
/** Enough to see a median, few enough for a slow net. */
const STEPS = { fast: 8, resnet18: 12, resnet20: 40 };
/** The peer trains the ResNets by SGD; so do we, for the same work. */
const RECIPES = { fast: [], resnet18: ['training=standard'], resnet20: ['training=standard'] };

function readArguments() {
  const { positionals, ...args } = readBenchArguments(3);
  return { ...args, cases: (positionals.length > 0 ? positionals : CASES).map(parseCase) };
}

function parseCase(text) {
  const [mode, model, batch, dtype, rest] = text.split(':');
  const isKnown = ['train', 'infer'].includes(mode) && model in STEPS && /^\d+$/.test(batch);
  if (!isKnown || !['bf16', 'fp32'].includes(dtype) || rest !== undefined)
    throw new Error(`expected mode:model:batch:precision, such as ${CASES[0]}, found ${text}`);
  return { mode, model, batch, dtype };
}

/** The JSON that the program prints. */
function measure(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return JSON.parse(stdout);
}

function runCase({ mode, model, batch, dtype }, { rounds, python }) {
  const threads = String(usableCores()); // both sides as many
  const flags = [
    '--threads',
    threads,
    '--model',
    model,
    '--batch',
    batch,
    '--steps',
    String(STEPS[model]),
    '--dtype',
    dtype,
  ];
  const pairs = [];
  for (let round = 0; round < rounds; round++) {
    const peer = measure(python, [PEER, mode, ...flags]);
    const ours = measure(process.execPath, [CLI, 'bench', mode, ...flags, '--json', ...RECIPES[model]]);
    const ratio = ours.imagesPerSecond / peer.imagesPerSecond;
    process.stderr.write(
      `${mode} ${model} ${dtype}, batch ${batch}, round ${round + 1}: PyTorch ${peer.imagesPerSecond.toFixed(0)}, ` +
        `ours ${ours.imagesPerSecond.toFixed(0)} images/s, ${ratio.toFixed(2)} times\n`,
    );
    pairs.push({ peer, ours, ratio });
  }
  return pairs;
}

function row({ mode, model, batch, dtype }, pairs) {
  const rate = (side) => median(pairs.map((pair) => pair[side].imagesPerSecond)).toFixed(0);
  const memory = (side) => (median(pairs.map((pair) => pair[side].peakMemoryBytes)) / 2 ** 30).toFixed(1);
  const ratios = pairs.map(({ ratio }) => ratio);
  return [
    `${mode} \`${model}\`, ${dtype}, batch ${batch}`,
    rate('peer'),
    rate('ours'),
    describeRatios(ratios),
    `${memory('peer')} / ${memory('ours')} GiB`,
  ];
}

function main() {
  const args = readArguments();
  const rows = [];
  let peerName = '';
  for (const each of args.cases) {
    const pairs = runCase(each, args);
    peerName = pairs[0].peer.peer;
    rows.push(row(each, pairs));
  }
  const head = [
    '',
    `${peerName}, images/s`,
    'this package, images/s',
    'times as fast (spread)',
    'peak memory',
  ];
  process.stdout.write(`${table(head, rows)}\n`);
  const machine = `${cpus()[0]?.model ?? process.arch}, ${cpus().length} cores`;
  process.stdout.write(
    `${machine}, as many threads; Node.js ${process.version}; medians of ${args.rounds} rounds, PyTorch and this package in turn; ` +
      `${new Date().toISOString().slice(0, 10)}\n`,
  );
}

try {
  main();
} catch (error) {
  process.stderr.write(`bench-peers: ${error.message}\n`);
  process.exitCode = 2;
}
