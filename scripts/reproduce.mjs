// Trains a recipe of conf/experiment with several seeds, one run after the other, and says what they come to.
// Usage, after `npm run build`: node scripts/reproduce.mjs <experiment> [--seeds 3] [overrides…]
// The seeds are 0, 1, 2… Progress goes to stderr, a Markdown table with one row to stdout, and the same as JSON to
// reproduction.json in the folder of the sweep. Repeated, it goes on: runs that are finished are not run again.
// The time is that of a whole run as a user waits for it: data, training, final test with its augmented views.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, hostname } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';
import { versions } from '../dist/lib/versions.js';
import { markdownTable, summarize } from './reproduction.mjs';

const CLI = join(PACKAGE_ROOT, 'dist/bin/cifar10-torch.js');
const WRONG_USAGE = 2;
/** Overrides that change no figure. */
const PLACES = /^\W*(?:output_dir|data_loading\.data_dir)=/;

class UsageError extends Error {}

function readArguments() {
  const options = { seeds: { type: 'string', default: '3' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [experiment, ...overrides] = positionals;
  const seeds = Number(values.seeds);
  if (experiment === undefined || experiment.includes('=') || !Number.isInteger(seeds) || seeds < 1)
    throw new UsageError('usage: node scripts/reproduce.mjs <experiment> [--seeds 3] [overrides…]');
  if (overrides.some((override) => /^\W*training\.seed\b/.test(override)))
    throw new UsageError('the seeds are 0, 1, 2…: give their number with --seeds in place of training.seed');
  return { experiment, overrides, seeds };
}

/** Folder and jobs of the sweep; ends this process with the exit code of one that failed or was stopped. */
async function train({ experiment, overrides, seeds }) {
  const words = [`+experiment=${experiment}`, ...overrides, `training.seed=range(0,${seeds})`];
  const args = [CLI, 'train', '-m', ...words, '--resume', '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const [output, exitCode] = await Promise.all([text(child.stdout), ended]);
  if (exitCode !== 0) process.exit(exitCode ?? 1);
  return JSON.parse(output);
}

/** What run.json in a run's folder says. */
function readRun({ runDir }) {
  const record = JSON.parse(readFileSync(join(runDir, 'run.json'), 'utf8'));
  const { seed, test, durationSeconds, trainSeconds, testSeconds, imagesPerSecond, peakMemoryBytes } = record;
  const figures = { ...test, durationSeconds, trainSeconds, testSeconds, imagesPerSecond, peakMemoryBytes };
  const { device, threads, precision, version, endedAt, process: where } = record;
  return { seed, ...figures, device, threads, precision, version, endedAt, host: where.host, runDir };
}

/** `AMD EPYC 9R14, 2 cores, 2 threads`, and the GPU where one was used. */
function describeHardware(runs) {
  const cores = cpus();
  const each = (key) => [...new Set(runs.map((run) => run[key]))].join(' or ');
  const hasUsedGpu = runs.some(({ device }) => device.startsWith('cuda'));
  const gpu = hasUsedGpu ? [gpuName()] : [];
  return [
    ...gpu,
    cores[0]?.model ?? process.arch,
    `${cores.length} cores`,
    `${each('threads')} threads`,
    each('precision'),
  ].join(', ');
}

function gpuName() {
  const query = ['--query-gpu=name', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split('\n')[0] : 'a GPU';
}

function describe({ experiment, overrides }, runs) {
  const { node, libtorch } = versions();
  const packageVersion = [...new Set(runs.map(({ version }) => version))].join(' and ');
  return {
    experiment,
    overrides: overrides.filter((override) => !PLACES.test(override)),
    figures: summarize(runs),
    hardware: describeHardware(runs),
    versions: { 'cifar10-torch': packageVersion, LibTorch: libtorch?.version ?? 'unknown', 'Node.js': node },
    date: runs
      .map(({ endedAt }) => endedAt.slice(0, 10))
      .sort()
      .at(-1),
    runs,
  };
}

async function main() {
  const request = readArguments();
  const { sweepDir, jobs } = await train(request);
  const runs = jobs.map(readRun);
  const others = runs.filter(({ host }) => host !== hostname()).map(({ seed }) => seed);
  if (others.length > 0)
    console.error(`seed ${others.join(', ')} ran on another machine than the one the table names`);
  const reproduction = describe(request, runs);
  const path = join(sweepDir, 'reproduction.json');
  writeFileSync(path, `${JSON.stringify(reproduction, null, 2)}\n`);
  console.error(`written to ${path}`);
  console.log(markdownTable(reproduction));
}

// Ctrl-C reaches the running command as well, which stops in good order; its exit code ends this process.
process.on('SIGINT', () => {});
main().catch((error) => {
  console.error(`reproduce: ${process.env.DEBUG ? error.stack : error.message}`);
  const isUsage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  process.exitCode = isUsage ? WRONG_USAGE : 1;
});
