// Owns loading a server by autocannon and what is told of it: answers and their times by status.
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { percentile } from '../statistics.mjs';

/** At a given rate, autocannon sends what is due of each second at its beginning: so many begin theirs one after the other. */
const PARTS = 16;

/**
 * Sends pictures for a while. `rate`: requests a second in all, whatever comes back, spread over the second; without it each connection
 * sends when it has been answered. Resolves to {seconds, byStatus: {200: {count, p50, p90, p99} in milliseconds}, errors}.
 */
export async function load(url, bodies, { connections, seconds, rate, query = '' }) {
  const requests = bodies.map((body) => ({ method: 'POST', path: `/v1/classify?${query}`, body }));
  const options = { url, duration: seconds, requests, timeout: 30 };
  const parts = rate === undefined ? 1 : Math.min(PARTS, connections, rate);
  const share = (total, index) =>
    Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
  const answers = new Map();
  const results = await Promise.all(
    Array.from({ length: parts }, async (_, index) => {
      await sleep((1000 * index) / parts);
      const overallRate = rate && { overallRate: share(rate, index) };
      return run({ ...options, connections: share(connections, index), ...overallRate }, answers);
    }),
  );
  return {
    seconds: Math.max(...results.map(({ duration }) => duration)),
    byStatus: Object.fromEntries(
      [...answers].map(([status, { count, times }]) => [status, { ...describe(times), count }]),
    ),
    errors: results.reduce((sum, { errors, timeouts }) => sum + errors + timeouts, 0),
  };
}

/**
 * `answers`: {count, times} by status, which it adds to; times in milliseconds. In the first one of a connection autocannon has
 * that of connecting, too: it is left out.
 */
function run(options, answers) {
  return new Promise((resolve, reject) => {
    const instance = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
    const connected = new WeakSet();
    instance.on('response', (client, status, _bytes, milliseconds) => {
      if (!answers.has(status)) answers.set(status, { count: 0, times: [] });
      const answer = answers.get(status);
      answer.count++;
      if (connected.has(client)) answer.times.push(milliseconds);
      connected.add(client);
    });
  });
}

export function describe(milliseconds) {
  const sorted = Float64Array.from(milliseconds).sort();
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => percentile(sorted, share));
  return { count: sorted.length, p50, p90, p99 };
}
