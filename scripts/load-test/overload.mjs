// What becomes of requests at ten times what the server can answer: those it takes keep their time, the rest hear 503 at once, memory stays.
// Each picture is asked for with test-time augmentation, six views of it: so that the net is the limit, and client and server, which share
// the machine, can send and refuse ten times as many. First it measures the capacity and the times at half of it, then ten times as many
// are sent for --seconds; all of it with the queue that `serve` has by itself, and with a short one.
// Usage, after `npm run build`: node scripts/load-test/overload.mjs [checkpoint] [--seconds 30]; exit code 1 if a request had another answer or none,
// or if the server's memory grew by more than a tenth.
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../bench-report.mjs';
import { describeMachine, main } from './arguments.mjs';
import { describe, load } from './http-load.mjs';
import { pngPictures } from './pictures.mjs';
import { startServer } from './server-process.mjs';

const MIB = 2 ** 20;
const CALLERS = 16;
const MANY = 128;
const QUEUES = { 'the default queue': undefined, '--max-queue 16': 16 };

/** The memory of the server, looked at every half second until `work` has ended. */
async function watchMemory(server, work) {
  const bytes = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      bytes.push(server.memoryBytes());
      await sleep(500);
    }
  })();
  const result = await work;
  isOver = true;
  await watching;
  return { result, bytes };
}

function row(name, { byStatus, seconds, errors, server }) {
  const { 200: taken, 503: refused, ...others } = byStatus;
  const rest = Object.values(others).reduce((sum, { count }) => sum + count, 0) + errors;
  const times = (each) => (each ? `${each.p50.toFixed(1)} / ${each.p99.toFixed(1)}` : '–');
  const rate = (each) => ((each?.count ?? 0) / seconds).toFixed(0);
  return [name, rate(taken), times(taken), times(server), rate(refused), times(refused), String(rest)];
}

/** Milliseconds from the head of a request to its answer, by the server's own clock, of what it answered by 200 in these seconds. */
function serverTimes(log, [began, ended]) {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').map(JSON.parse);
  const isMeant = ({ msg, status, time }) =>
    msg === 'request' && status === 200 && time >= began && time <= ended;
  return describe(lines.filter(isMeant).map(({ ms }) => ms));
}

async function measure(checkpoint, bodies, seconds, maxQueue) {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-overload-log-'));
  const log = join(folder, 'server.log');
  const args = maxQueue === undefined ? [] : ['--max-queue', String(maxQueue)];
  const server = await startServer(checkpoint, args, openSync(log, 'w'));
  const send = async (options) => {
    const began = Date.now();
    const result = await load(server.url, bodies, { query: 'tta=2', ...options });
    return { ...result, when: [began, Date.now()] };
  };
  await send({ connections: CALLERS, seconds: 5 }); // its code compiled, its memory grown to what it needs
  const full = await send({ connections: CALLERS, seconds: 10 });
  const capacity = full.byStatus[200].count / full.seconds;
  const half = await send({ connections: CALLERS, seconds: 10, rate: Math.round(capacity / 2) });
  const rate = Math.round(10 * capacity);
  const { result: over, bytes } = await watchMemory(server, send({ connections: MANY, seconds, rate }));
  const after = await send({ connections: 1, seconds: 2 });
  await server.stop();
  for (const each of [full, half, over, after]) each.server = serverTimes(log, each.when);
  rmSync(folder, { recursive: true });
  return { full, half, over, after, rate, bytes };
}

function report(name, { full, half, over, after, rate, bytes }) {
  const head = [
    name,
    '200, a second',
    'p50 / p99, ms',
    'by the server',
    '503, a second',
    'p50 / p99, ms',
    'others',
  ];
  const rows = [
    row(`${CALLERS} callers, as fast as it answers`, full),
    row('half of that', half),
    row(`ten times that, ${rate} a second`, over),
    row('after it, one caller', after),
  ];
  const ratio = (clock) => (clock(over).p99 / clock(half).p99).toFixed(2);
  const quarter = Math.ceil(bytes.length / 4);
  const [early, late] = [bytes.slice(0, quarter), bytes.slice(-quarter)].map(
    (part) => Math.max(...part) / MIB,
  );
  return `${table(head, rows)}
p99 of what is answered under overload: ${ratio(({ byStatus }) => byStatus[200])} times that at half load, by the server's clock ${ratio(({ server }) => server)} times.
Memory of the server: at most ${early.toFixed(0)} MiB in the first quarter, ${late.toFixed(0)} MiB in the last.
`;
}

/** What must hold on any machine; times are for who reads them. */
function problemsOf(name, { full, half, over, after, bytes }) {
  const isKnown = ({ byStatus, errors }) =>
    errors === 0 && Object.keys(byStatus).every((status) => /^(200|503)$/.test(status));
  const quarter = Math.ceil(bytes.length / 4);
  const grown = Math.max(...bytes.slice(-quarter)) / Math.max(...bytes.slice(0, quarter));
  return [
    ...([full, half, over, after].every(isKnown)
      ? []
      : [`${name}: a request had another answer than 200 or 503, or none`]),
    ...(grown <= 1.1 ? [] : [`${name}: memory is ${grown.toFixed(2)} times what it was`]),
  ];
}

await main('overload', { rounds: 1, seconds: 30 }, async ({ checkpoint, seconds }) => {
  const bodies = await pngPictures(100);
  for (const [name, maxQueue] of Object.entries(QUEUES)) {
    const measured = await measure(checkpoint, bodies, seconds, maxQueue);
    process.stdout.write(`${report(name, measured)}\n`);
    for (const problem of problemsOf(name, measured)) {
      process.stderr.write(`${problem}\n`);
      process.exitCode = 1;
    }
  }
  process.stdout.write(describeMachine(1));
});
