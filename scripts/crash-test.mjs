// Kills real trainings at random moments and goes on with them, until they have come to their end: a state that loads must
// always be there, and the end must be that of a training that nobody killed, bit for bit.
// Usage, after `npm run build`: node scripts/crash-test.mjs [--kills 200] [--seed 0]
// Prints what it did; ends with exit code 1 at the first thing that is not as it should be.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readCheckpoint } from '../dist/lib/checkpoint/index.js';
import { listRuns } from '../dist/lib/index.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';

const CLI = join(PACKAGE_ROOT, 'dist/bin/cifar10-torch.js');

/** A few seconds of training with all that a state holds: averages, slow weights, a best epoch. */
const RECIPE = [
  'data_loading=sample',
  'data_loading.batch_size=60',
  'data_loading.validation=0.2',
  'model.widths=[8,16,16]',
  'training.epochs=20.5',
  'training.ema_decay=0.9',
  'training.lookahead.steps=3',
  'training.select=best_val_loss',
  'training.tta_level=1',
  'training.threads=1',
  'training.checkpoint.every_steps=2',
  'training.checkpoint.keep=3',
];

class Violation extends Error {}

function readArguments() {
  const options = { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: '0' } };
  const { values } = parseArgs({ options });
  return { kills: Number(values.kills), seed: Number(values.seed) };
}

/** Numbers from 0 to 1 that a seed decides: a linear congruential generator. */
function makeRandom(seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Starts a training, or goes on with one, and kills it after a while; null: waits for its end. */
async function train(words, killAfterMs = null) {
  const child = spawn(process.execPath, [CLI, 'train', ...words, '--quiet', '--json'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  if (killAfterMs !== null) {
    await Promise.race([sleep(killAfterMs), ended]);
    child.kill('SIGKILL');
  }
  const { code, signal } = await ended;
  if (signal !== 'SIGKILL' && code !== 0) throw new Violation(`exit code ${code}: ${errors}`);
  return { wasKilled: signal === 'SIGKILL' };
}

/** What a finished run leaves, without what a clock says. */
function outcome(runDir) {
  // Which states were kept depends on how long each took to write, how many does not.
  const names = readdirSync(runDir)
    .map((name) => name.replace(/^step-\d+/, 'step'))
    // A kill behind the end of the run leaves what it would have removed next.
    .filter((name) => name !== 'last.safetensors' && name !== 'best.safetensors')
    .sort();
  const hash = createHash('sha256').update(readFileSync(join(runDir, 'checkpoint.safetensors')));
  const metrics = readFileSync(join(runDir, 'metrics.jsonl'), 'utf8').replace(
    /"durationSeconds":[^,}]+/g,
    '',
  );
  return JSON.stringify({ names, checkpoint: hash.digest('hex'), metrics });
}

/** Every checkpoint in the folder must load, whatever happened to who wrote it; the newest step that one holds. */
async function checkFiles(runDir) {
  let newest = 0;
  for (const name of readdirSync(runDir).filter((each) => each.endsWith('.safetensors'))) {
    const { meta } = await readCheckpoint(join(runDir, name)).catch((error) => {
      throw new Violation(`${name} does not load: ${error.message}`);
    });
    newest = Math.max(newest, meta.progress?.step ?? 0);
  }
  return newest;
}

function isFinished({ runDir }) {
  return JSON.parse(readFileSync(join(runDir, 'run.json'), 'utf8')).status === 'finished';
}

async function newestRun(root, known) {
  const runs = await listRuns(root);
  return runs.filter(({ runDir }) => !known.has(runDir)).at(-1);
}

async function main() {
  const { kills, seed } = readArguments();
  const random = makeRandom(seed);
  const root = mkdtempSync(join(tmpdir(), 'cifar10-torch-crash-'));
  const words = [...RECIPE, `output_dir=${root}`];
  const known = new Set();
  const startedMs = performance.now();
  await train(words);
  const wholeMs = performance.now() - startedMs;
  const reference = await newestRun(root, known);
  const expected = outcome(reference.runDir);
  known.add(reference.runDir);

  const counts = { kills: 0, anew: 0, resumed: 0, finished: 0 };
  let run;
  let step = 0;
  while (counts.kills < kills || run !== undefined) {
    const isResumable = run !== undefined && existsSync(join(run.runDir, 'last.safetensors'));
    if (run !== undefined && !isResumable) {
      rmSync(run.runDir, { recursive: true });
      step = 0;
    }
    counts[isResumable ? 'resumed' : 'anew'] += 1;
    const killAfterMs = counts.kills < kills ? random() * wholeMs : null;
    const { wasKilled } = await train(isResumable ? ['--resume', run.runDir] : words, killAfterMs);
    if (wasKilled) counts.kills += 1;
    run = isResumable ? run : await newestRun(root, known);
    if (run === undefined) continue; // killed before it had a folder
    const newest = await checkFiles(run.runDir);
    if (!isFinished(run)) {
      if (newest < step) throw new Violation(`the state fell back from step ${step} to ${newest}`);
      if (!wasKilled) throw new Violation('it ended without a kill and is not finished');
      step = newest;
      continue;
    }
    if (outcome(run.runDir) !== expected)
      throw new Violation(`another end than without kills:\n${expected}\n${outcome(run.runDir)}`);
    counts.finished += 1;
    known.add(run.runDir);
    run = undefined;
    step = 0;
  }
  rmSync(root, { recursive: true });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  console.log(
    `${counts.kills} kills in ${seconds} s: ${counts.anew} trainings begun, ${counts.resumed} times gone on with one, ` +
      `${counts.finished} finished, each as without kills`,
  );
}

await main().catch((error) => {
  if (!(error instanceof Violation)) throw error;
  console.error(error.message);
  process.exitCode = 1;
});
