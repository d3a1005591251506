// What becomes of requests at ten times what the server can answer: those it takes keep their time, the rest hear 503 at once, memory stays.
// First the capacity is measured, and the times at half of it. Then ten times as many are sent for --seconds: to a server as it is by itself,
// and to one in which a request may wait (--max-wait-ms) for as long as nine of ten take at half load. Client and server share the machine: six
// views of each picture and, where no checkpoint is given, a ResNet-18, so that the net is the limit and the client can send as many.
// Usage, after `npm run build`: node scripts/load-test/overload.mjs [checkpoint] [--seconds 30] [--rounds 3]; exit code 1 if a request had another
// answer than 200 or 503, or none, if none was refused, or if the server's memory grew by more than a tenth.
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeRatios, table } from '../bench-report.mjs';
import { describeMachine, main } from './arguments.mjs';
import { describe, load } from './http-load.mjs';
import { pngPictures } from './pictures.mjs';
import { startServer } from './server-process.mjs';

const MIB = 2 ** 20;
const CALLERS = 16;
/** More than the server lets in by itself: those that wait send nothing meanwhile. */
const MANY = 256;
/** Ten times the capacity is so many times half of it. */
const OVERLOAD = 20;

/** Where no checkpoint is given. */
const NET = ['model=resnet18', 'training.epochs=1'];

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

/** Milliseconds from the head of a request to its answer, by the server's own clock, of what it answered by 200 then; `lines`: of its log. */
function serverTimes(lines, [began, ended]) {
  const isMeant = ({ msg, status, time }) =>
    msg === 'request' && status === 200 && time >= began && time <= ended;
  return describe(lines.filter(isMeant).map(({ ms }) => ms));
}

/** Starts a server, has it loaded by what `work` sends, and gives what that resolves to, with the times by the server's own clock. */
async function withServer(checkpoint, bodies, args, work) {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-overload-log-'));
  const log = join(folder, 'server.log');
  const server = await startServer(checkpoint, args, openSync(log, 'w'));
  const sent = [];
  const send = async (options) => {
    const began = Date.now();
    const result = await load(server.url, bodies, { query: 'tta=2', ...options });
    sent.push({ result, when: [began, Date.now()] });
    return result;
  };
  await send({ connections: CALLERS, seconds: 5, rate: CALLERS }); // its code compiled, its memory grown to what it needs
  const measured = await work(send, server);
  await server.stop();
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').map(JSON.parse);
  for (const { result, when } of sent) result.server = serverTimes(lines, when);
  rmSync(folder, { recursive: true });
  return measured;
}

/** What it answers when nobody waits for long, and how: {full, half}; `halfRate`: half of it, requests a second. */
const measureCapacity = (checkpoint, bodies) =>
  withServer(checkpoint, bodies, [], async (send) => {
    const full = await send({ connections: CALLERS, seconds: 10 });
    const halfRate = Math.round(full.byStatus[200].count / full.seconds / 2);
    return { full, half: await send({ connections: CALLERS, seconds: 10, rate: halfRate }), halfRate };
  });

/** Half of the capacity for as long as ten times of it, so that both are as much at the mercy of the machine: {half, over, after, bytes}. */
const measureOverload = (checkpoint, bodies, args, halfRate, seconds) =>
  withServer(checkpoint, bodies, args, async (send, server) => {
    const half = await send({ connections: CALLERS, seconds, rate: halfRate });
    const sending = send({ connections: MANY, seconds, rate: OVERLOAD * halfRate });
    const { result: over, bytes } = await watchMemory(server, sending);
    return { half, over, after: await send({ connections: 1, seconds: 2 }), bytes };
  });

const HEAD = ['200, a second', 'p50 / p99, ms', 'by the server', '503, a second', 'p50 / p99, ms', 'others'];

function report(name, { half, over, after, bytes }, halfRate) {
  const rows = [
    row('half of the capacity', half),
    row(`ten times the capacity, ${OVERLOAD * halfRate} a second`, over),
    row('after it, one caller', after),
  ];
  const [early, late] = firstAndLast(bytes).map((most) => most / MIB);
  return `${table([name, ...HEAD], rows)}
Memory of the server: at most ${early.toFixed(0)} MiB in the first quarter, ${late.toFixed(0)} MiB in the last.
`;
}

/** The most in the first quarter of the time, and in the last. */
function firstAndLast(bytes) {
  const quarter = Math.ceil(bytes.length / 4);
  return [Math.max(...bytes.slice(0, quarter)), Math.max(...bytes.slice(-quarter))];
}

function strayAnswers(name, results) {
  const isKnown = ({ byStatus, errors }) =>
    errors === 0 && Object.keys(byStatus).every((status) => /^(200|503)$/.test(status));
  return results.every(isKnown) ? [] : [`${name}: a request had another answer than 200 or 503, or none`];
}

/** What must hold on any machine; times are for who reads them. */
function problemsOf(name, { half, over, after, bytes }) {
  const [early, late] = firstAndLast(bytes);
  const grown = late / early;
  return [
    ...strayAnswers(name, [half, over, after]),
    ...(over.byStatus[503] ? [] : [`${name}: no request was refused`]),
    ...(grown <= 1.1 ? [] : [`${name}: memory is ${grown.toFixed(2)} times what it was`]),
  ];
}

/** Times what it is without load, by the client's clock and by the server's own: {client, server}. */
function slowdown(over, half) {
  const ratio = (clock) => clock(over).p99 / clock(half).p99;
  return { client: ratio(({ byStatus }) => byStatus[200]), server: ratio(({ server }) => server) };
}

function tell(problems) {
  for (const problem of problems) {
    process.stderr.write(`${problem}\n`);
    process.exitCode = 1;
  }
}

await main('overload', { rounds: 3, seconds: 30, net: NET }, async ({ checkpoint, rounds, seconds }) => {
  const bodies = await pngPictures(100);
  const { full, half, halfRate } = await measureCapacity(checkpoint, bodies);
  const rows = [row(`${CALLERS} callers`, full), row('half of that', half)];
  process.stdout.write(`${table(['capacity', ...HEAD], rows)}\n`);
  tell(strayAnswers('capacity', [full, half]));
  const wait = String(Math.ceil(half.byStatus[200].p90));
  const variants = [
    { name: 'no option', args: [], slowdowns: [] },
    { name: `--max-wait-ms ${wait}`, args: ['--max-wait-ms', wait], slowdowns: [] },
  ];
  for (let round = 0; round < rounds; round++) {
    let unloaded;
    for (const { name, args, slowdowns } of variants) {
      const measured = await measureOverload(checkpoint, bodies, args, halfRate, seconds);
      unloaded ??= measured.half;
      slowdowns.push(slowdown(measured.over, unloaded));
      process.stdout.write(`${report(name, measured, halfRate)}\n`);
      tell(problemsOf(name, measured));
    }
  }
  const ratios = variants.map(({ name, slowdowns }) => [
    name,
    ...['client', 'server'].map((clock) => describeRatios(slowdowns.map((each) => each[clock]))),
  ]);
  const head = [
    'p99 at ten times the capacity, to that at half of it without options',
    "client's clock",
    "server's clock",
  ];
  process.stdout.write(`${table(head, ratios)}\n${describeMachine(rounds)}`);
});
