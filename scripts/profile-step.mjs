// Says in which kinds of work the time of a training step goes, by sampling a running `bench train` with Linux's perf.
// Usage, after `npm run build`: node scripts/profile-step.mjs [--after 10] [--seconds 15] [-- options of bench train…]
// `--after`: seconds until the first steps, which fill memory and caches, are over. Shares are of all threads' processor time.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';
import { table } from './bench-report.mjs';

const CLI = join(PACKAGE_ROOT, 'dist/bin/cifar10-torch.js');
/** What `bench` takes; a small net must not end before the sampling does. */
const MOST_STEPS = 10_000;
/** The first that matches `library symbol` is the kind; code that a library generates has no symbol. */
const KINDS = [
  ['products of own convolutions', /multiply_panel|multiply_pairs/],
  ['their transforms, weights and results', /winograd::|strided::|write_pairs/],
  ['batch norm, residual sum, activation', /norm_act::/],
  ['LibTorch’s convolutions', /^\[JIT\]|dnnl|mkldnn/],
  ['LibTorch’s other operators', /^libtorch|^libc10/],
  ['waiting for the other threads', /^libgomp/],
  ['the system', /^\[kernel/],
  ['the rest', /./],
];

function readArguments() {
  const options = {
    after: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '15' },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [after, seconds] = [values.after, values.seconds].map(Number);
  if (!(after >= 0) || !(seconds > 0)) throw new Error('--after and --seconds: expected numbers of seconds');
  return { after, seconds, bench: positionals };
}

function perf(args) {
  const { status, stdout, stderr, error } = spawnSync('perf', args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (error?.code === 'ENOENT') throw new Error('perf is not installed (Debian: apt-get install linux-perf)');
  if (status !== 0) throw new Error(`perf ${args[0]}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Lines `percent|library|symbol` of what ran while the bench trained. */
async function sample({ after, seconds, bench }) {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-profile-'));
  const data = join(folder, 'perf.data');
  const endless = ['--steps', String(MOST_STEPS)];
  const child = spawn(process.execPath, [CLI, 'bench', 'train', ...endless, ...bench], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const early = await Promise.race([ended, wait(1000 * after)]);
    if (early !== undefined)
      throw new Error(`bench train ended early, with exit code ${early[0]}: try it by itself`);
    perf(['record', '-q', '-F', '499', '-o', data, '-p', String(child.pid), '--', 'sleep', String(seconds)]);
    await wait(0); // an exit meanwhile is only seen by the event loop
    if (child.exitCode !== null)
      throw new Error('bench train ended before the sampling did: fewer --seconds');
    return perf(['report', '-i', data, '--stdio', '-F', 'overhead,dso,sym', '--field-separator', '|']);
  } finally {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  }
}

function sharesOf(report) {
  const shares = new Map(KINDS.map(([kind]) => [kind, 0]));
  for (const line of report.split('\n')) {
    const [percent, library, ...symbol] = line.split('|').map((text) => text.trim());
    if (line.startsWith('#') || library === undefined) continue;
    const [kind] = KINDS.find(([, pattern]) => pattern.test(`${library} ${symbol.join('|')}`));
    shares.set(kind, shares.get(kind) + Number(percent.replace('%', '')));
  }
  return shares;
}

try {
  const shares = sharesOf(await sample(readArguments()));
  const rows = [...shares].map(([kind, share]) => [kind, `${share.toFixed(1)} %`]);
  process.stdout.write(table(['kind of work', 'share'], rows));
} catch (error) {
  process.stderr.write(`profile-step: ${error.message}\n`);
  process.exitCode = 2;
}
