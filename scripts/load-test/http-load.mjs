// Owns loading a server by autocannon and what is told of it: answers and their times by status.
import autocannon from 'autocannon';
import { percentile } from '../statistics.mjs';

/**
 * Sends pictures for a while. `rate`: requests a second in all, whatever comes back; without it each connection sends when it has been
 * answered. Resolves to {seconds, byStatus: {200: {count, p50, p99} in milliseconds}, errors}.
 */
export async function load(url, bodies, { connections, seconds, rate, query = '' }) {
  const times = new Map();
  const requests = bodies.map((body) => ({ method: 'POST', path: `/v1/classify?${query}`, body }));
  const options = { url, connections, duration: seconds, requests, timeout: 30 };
  const result = await new Promise((resolve, reject) => {
    const instance = autocannon({ ...options, ...(rate && { overallRate: rate }) }, (error, ended) =>
      error ? reject(error) : resolve(ended),
    );
    instance.on('response', (_client, status, _bytes, milliseconds) => {
      if (!times.has(status)) times.set(status, []);
      times.get(status).push(milliseconds);
    });
  });
  const byStatus = Object.fromEntries([...times].map(([status, each]) => [status, describe(each)]));
  return { seconds: result.duration, byStatus, errors: result.errors + result.timeouts };
}

export function describe(milliseconds) {
  const sorted = Float64Array.from(milliseconds).sort();
  return { count: sorted.length, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
