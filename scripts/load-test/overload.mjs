// What becomes of requests at ten times what the server can answer: those it takes keep their time, the rest hear 503 at once, memory stays.
// First it measures the capacity, then the times at half of it; then it sends ten times as many for --seconds.
// Usage, after `npm run build`: node scripts/load-test/overload.mjs [checkpoint] [--seconds 30]
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../bench-report.mjs';
import { describeMachine, main } from './arguments.mjs';
import { load } from './http-load.mjs';
import { pngPictures } from './pictures.mjs';
import { startServer } from './server-process.mjs';

const MIB = 2 ** 20;
const CONNECTIONS = 128;

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

function row(name, { byStatus, seconds, errors }) {
  const { 200: taken, 503: refused, ...others } = byStatus;
  const rest = Object.values(others).reduce((sum, { count }) => sum + count, 0) + errors;
  const times = (each) => (each ? `${each.p50.toFixed(1)} / ${each.p99.toFixed(1)}` : '–');
  const rate = (each) => ((each?.count ?? 0) / seconds).toFixed(0);
  return [name, rate(taken), times(taken), rate(refused), times(refused), String(rest)];
}

await main('overload', { rounds: 1, seconds: 30 }, async ({ checkpoint, seconds }) => {
  const bodies = await pngPictures(100);
  const server = await startServer(checkpoint);
  await load(server.url, bodies, { connections: CONNECTIONS, seconds: 5 }); // its memory grown to what it needs
  const full = await load(server.url, bodies, { connections: CONNECTIONS, seconds: 10 });
  const capacity = full.byStatus[200].count / full.seconds;
  const half = await load(server.url, bodies, {
    connections: CONNECTIONS,
    seconds: 10,
    rate: Math.round(capacity / 2),
  });
  const rate = Math.round(10 * capacity);
  const { result: over, bytes } = await watchMemory(
    server,
    load(server.url, bodies, { connections: 8 * CONNECTIONS, seconds, rate }),
  );
  const after = await load(server.url, bodies, { connections: 1, seconds: 2 });
  await server.stop();

  const head = ['', '200, a second', 'p50 / p99, ms', '503, a second', 'p50 / p99, ms', 'others'];
  const rows = [
    row('as fast as it answers', full),
    row('half of that', half),
    row(`ten times that (${rate} a second asked for)`, over),
    row('after it, one caller', after),
  ];
  const ratio = over.byStatus[200].p99 / half.byStatus[200].p99;
  const quarter = Math.ceil(bytes.length / 4);
  const [early, late] = [Math.max(...bytes.slice(0, quarter)), Math.max(...bytes.slice(-quarter))];
  process.stdout.write(`${table(head, rows)}
Under overload, p99 of what is answered is ${ratio.toFixed(2)} times that at half load.
Memory of the server: at most ${(early / MIB).toFixed(0)} MiB in the first quarter, ${(late / MIB).toFixed(0)} MiB in the last.
${describeMachine(1)}`);
});
