// How many images a second the server and the library classify, and how long each takes, by how many callers there are: over HTTP with
// and without batching, and by plain calls of a Classifier. In turns; a Markdown table of medians goes to stdout.
// Usage, after `npm run build`: node scripts/load-test/throughput.mjs [checkpoint] [--rounds 3] [--seconds 10]
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../dist/lib/package-root.js';
import { table } from '../bench-report.mjs';
import { median } from '../statistics.mjs';
import { describeMachine, main } from './arguments.mjs';
import { load } from './http-load.mjs';
import { pngPictures } from './pictures.mjs';
import { startServer } from './server-process.mjs';

const CONNECTIONS = [1, 16, 128];
const MAX_BATCH = { batched: 64, single: 1 };

async function overHttp(checkpoint, bodies, maxBatch, seconds) {
  const server = await startServer(checkpoint, ['--max-batch', String(maxBatch)]);
  const results = {};
  await load(server.url, bodies, { connections: 16, seconds: 2 }); // its code compiled, its connections made
  for (const connections of CONNECTIONS)
    results[connections] = await load(server.url, bodies, { connections, seconds });
  await server.stop();
  return results;
}

function inProcess(checkpoint, maxBatch, seconds) {
  const side = join(PACKAGE_ROOT, 'scripts/load-test/classifier-load.mjs');
  const run = (connections) => {
    const request = JSON.stringify({ checkpoint, connections, seconds, maxBatch });
    const { status, stdout, stderr } = spawnSync(process.execPath, [side, request], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  };
  return Object.fromEntries(CONNECTIONS.map((connections) => [connections, run(connections)]));
}

function cells(results, connections) {
  const own = results.map((each) => each[connections]);
  const middle = (read) => median(own.map(read));
  const rate = middle(({ byStatus, seconds }) => byStatus[200].count / seconds);
  const [p50, p99] = ['p50', 'p99'].map((figure) => middle(({ byStatus }) => byStatus[200][figure]));
  return [rate.toFixed(0), `${p50.toFixed(1)} / ${p99.toFixed(1)}`];
}

function assertAllAnswered(results) {
  for (const { byStatus, errors } of Object.values(results))
    if (errors > 0 || Object.keys(byStatus).join() !== '200')
      throw new Error(
        `expected every request answered by 200, found ${JSON.stringify(byStatus)}, ${errors} errors`,
      );
}

await main('throughput', { rounds: 3, seconds: 10 }, async ({ checkpoint, rounds, seconds }) => {
  const bodies = await pngPictures(100);
  const sides = { library: [], batched: [], single: [] };
  for (let round = 0; round < rounds; round++) {
    sides.library.push(inProcess(checkpoint, MAX_BATCH.batched, seconds));
    for (const side of ['batched', 'single'])
      sides[side].push(await overHttp(checkpoint, bodies, MAX_BATCH[side], seconds));
    for (const results of Object.values(sides)) assertAllAnswered(results.at(-1));
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  }
  const columns = ['Classifier', 'HTTP', 'HTTP, batches of 1'];
  const head = ['callers', ...columns.flatMap((name) => [`${name}: images/s`, 'p50 / p99, ms'])];
  const rows = CONNECTIONS.map((connections) => [
    String(connections),
    ...Object.values(sides).flatMap((results) => cells(results, connections)),
  ]);
  process.stdout.write(`${table(head, rows)}\n${describeMachine(rounds)}`);
});
