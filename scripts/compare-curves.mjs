// Trains a recipe with this package and with scripts/peers/train_resnet.py, in turn for each seed, and prints the curves side by side.
// One seed a side says little: two runs of one program with two seeds differ too. Both on the CPU, with as many threads.
// Usage, after `npm run build`: node scripts/compare-curves.mjs resnet20|resnet18 [--epochs 10] [--seeds 3] [--validation 0.1]
//   [--warmup 0] [--python python3] [--folder outputs/curves/…] [--data <folder of the .bin files>]
// Progress goes to stderr, a Markdown table to stdout. Each finished run is kept in the folder and not run again: remove the folder
// after a change of the code.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { usableCores } from '../dist/lib/cores.js';
import { datasetFolder } from '../dist/lib/dataset/index.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';
import { table } from './bench-report.mjs';
import { deviation, mean } from './statistics.mjs';

const CLI = join(PACKAGE_ROOT, 'dist/bin/cifar10-torch.js');
const PEER = join(PACKAGE_ROOT, 'scripts/peers/train_resnet.py');
const RECIPES = ['resnet20', 'resnet18'];
const SIDES = { ours: trainOurs, peer: trainPeer };

function readArguments() {
  const options = {
    epochs: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '3' },
    validation: { type: 'string', default: '0.1' },
    warmup: { type: 'string', default: '0' },
    python: { type: 'string', default: 'python3' },
    folder: { type: 'string' },
    data: { type: 'string' },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [recipe, ...rest] = positionals;
  if (!RECIPES.includes(recipe) || rest.length > 0)
    throw new Error(`expected one recipe (${RECIPES.join(', ')}), found ${positionals.join(' ') || 'none'}`);
  const { epochs, seeds, validation, warmup } = values;
  const run = { recipe, epochs, validation, warmup, threads: String(usableCores()) };
  if (
    !Number.isInteger(Number(seeds)) ||
    !(Number(seeds) >= 1) ||
    !(Number(epochs) > 0) ||
    !(Number(validation) > 0)
  )
    throw new Error('--seeds is an integer from 1, --epochs a number and --validation a share above 0');
  const name = `${recipe}-${epochs}-epochs-${validation}-held-out-${warmup}-warmup`;
  const folder = resolve(values.folder ?? join('outputs/curves', name));
  return { run, seeds: Number(seeds), python: values.python, folder, data: values.data ?? datasetFolder() };
}

/** What the program prints; its progress goes to stderr as it comes. */
function output(program, args) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  const { status, signal, stdout, error } = spawnSync(program, args, { encoding: 'utf8', stdio });
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? signal ?? `exit code ${status}`}`);
  return stdout;
}

const jsonLines = (text) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

function trainPeer({ run, python, data }, seed) {
  const { recipe, ...settings } = run;
  const options = Object.entries({ ...settings, seed: String(seed) }).flatMap(([key, value]) => [
    `--${key}`,
    value,
  ]);
  const lines = jsonLines(output(python, [PEER, data, '--model', recipe, ...options]));
  const curve = lines.map(({ train, val }) => ({ trainLoss: train.loss, valAccuracy: val.accuracy }));
  const seconds = lines.reduce((sum, line) => sum + line.seconds, 0);
  return { curve, seconds, testAccuracy: lines.at(-1).test.accuracy };
}

function trainOurs({ run, folder, data }, seed) {
  const { recipe, epochs, validation, warmup, threads } = run;
  const places = [`output_dir=${folder}`, `data_loading.data_dir=${data}`];
  const settings = [
    `training.epochs=${epochs}`,
    `data_loading.validation=${validation}`,
    `training.schedule.warmup_fraction=${warmup}`,
    `training.seed=${seed}`,
    `training.threads=${threads}`,
    'training.device=cpu',
  ];
  const args = [CLI, 'train', `+experiment=${recipe}`, ...settings, ...places, '--json'];
  const { runDir, trainSeconds, test } = JSON.parse(output(process.execPath, args));
  const lines = jsonLines(readFileSync(join(runDir, 'metrics.jsonl'), 'utf8'));
  const curve = lines.map(({ loss, val }) => ({ trainLoss: loss, valAccuracy: val.accuracy }));
  return { curve, seconds: trainSeconds, testAccuracy: test.accuracy };
}

/** The run's figures: from its file, or from a training whose file then appears whole. */
function figuresOf(side, args, seed) {
  const path = join(args.folder, `${side}-${seed}.json`);
  if (existsSync(path)) return readFigures(path, args);
  const figures = { run: args.run, ...SIDES[side](args, seed) };
  const { curve, seconds, testAccuracy } = figures;
  writeFileSync(`${path}.part`, JSON.stringify(figures));
  renameSync(`${path}.part`, path);
  const losses = curve.map(({ trainLoss }) => trainLoss.toFixed(3)).join(' ');
  process.stderr.write(
    `${side}, seed ${seed}: train loss ${losses}, ${seconds.toFixed(0)} s, test ${testAccuracy}\n`,
  );
  return figures;
}

function readFigures(path, { run }) {
  const figures = JSON.parse(readFileSync(path, 'utf8'));
  if (!isDeepStrictEqual(figures.run, run))
    throw new Error(
      `${path} is of a run with ${JSON.stringify(figures.run)}, not ${JSON.stringify(run)}: give another --folder`,
    );
  return figures;
}

function spread(values, digits) {
  const off = deviation(values);
  return mean(values).toFixed(digits) + (off === null ? '' : ` ± ${off.toFixed(digits)}`);
}

function curveTable({ recipe, epochs }, { ours, peer }) {
  const at = (runs, epoch, figure) => runs.map(({ curve }) => curve[epoch][figure]);
  const percent = (values) =>
    `${spread(
      values.map((value) => 100 * value),
      1,
    )} %`;
  const rows = Array.from({ length: Math.ceil(Number(epochs)) }, (_, epoch) => [
    epoch + 1,
    ...[ours, peer].map((runs) => spread(at(runs, epoch, 'trainLoss'), 3)),
    ...[ours, peer].map((runs) => percent(at(runs, epoch, 'valAccuracy'))),
  ]);
  const tests = [ours, peer].map((runs) => percent(runs.map(({ testAccuracy }) => testAccuracy)));
  rows.push(['test, at the end', '', '', ...tests]);
  const head = [`\`${recipe}\`, epoch`, 'train loss, here', 'PyTorch', 'val accuracy, here', 'PyTorch'];
  return table(head, rows);
}

function main() {
  const args = readArguments();
  mkdirSync(args.folder, { recursive: true });
  const sides = { ours: [], peer: [] };
  for (let seed = 0; seed < args.seeds; seed++)
    for (const side of Object.keys(SIDES)) sides[side].push(figuresOf(side, args, seed));
  process.stdout.write(curveTable(args.run, sides));
  const seconds = (runs) =>
    spread(
      runs.map((run) => run.seconds),
      0,
    );
  process.stdout.write(
    `${args.seeds} seeds a side, mean ± standard deviation; training took ${seconds(sides.ours)} s here, ${seconds(sides.peer)} s in PyTorch\n`,
  );
}

try {
  main();
} catch (error) {
  process.stderr.write(`compare-curves: ${error.message}\n`);
  process.exitCode = 2;
}
