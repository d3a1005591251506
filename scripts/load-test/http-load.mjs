// Owns loading a server by autocannon and what is told of it: answers and their times by status.
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { percentile } from '../statistics.mjs';

/** At a given rate, autocannon sends what is due of each second at its beginning: so many begin theirs one after the other. */
const PARTS = 16;

/**
 * Sends pictures for a while. `rate`: requests a second in all, whatever comes back, spread over the second; without it each connection
 * sends when it has been answered. Resolves to {seconds, byStatus: {200: {count, p50, p99} in milliseconds}, errors}.
 */
export async function load(url, bodies, { connections, seconds, rate, query = '' }) {
  const requests = bodies.map((body) => ({ method: 'POST', path: `/v1/classify?${query}`, body }));
  const options = { url, duration: seconds, requests, timeout: 30 };
  const parts = rate === undefined ? 1 : Math.min(PARTS, connections, rate);
  const share = (total, index) =>
    Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
  const times = new Map();
  const results = await Promise.all(
    Array.from({ length: parts }, async (_, index) => {
      await sleep((1000 * index) / parts);
      const overallRate = rate && { overallRate: share(rate, index) };
      return run({ ...options, connections: share(connections, index), ...overallRate }, times);
    }),
  );
  return {
    seconds: Math.max(...results.map(({ duration }) => duration)),
    byStatus: Object.fromEntries([...times].map(([status, each]) => [status, describe(each)])),
    errors: results.reduce((sum, { errors, timeouts }) => sum + errors + timeouts, 0),
  };
}

/** `times`: milliseconds by status, which it adds to. */
function run(options, times) {
  return new Promise((resolve, reject) => {
    const instance = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
    instance.on('response', (_client, status, _bytes, milliseconds) => {
      if (!times.has(status)) times.set(status, []);
      times.get(status).push(milliseconds);
    });
  });
}

export function describe(milliseconds) {
  const sorted = Float64Array.from(milliseconds).sort();
  return { count: sorted.length, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
