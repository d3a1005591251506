// Owns what the benchmarks beside others share: their options, what they say of repeated measurements, the table they print.
import { parseArgs } from 'node:util';
import { median } from './statistics.mjs';

/** `--rounds`, `--python` and what stands without a name on the command line. */
export function readBenchArguments(defaultRounds) {
  const options = {
    rounds: { type: 'string', default: String(defaultRounds) },
    python: { type: 'string', default: 'python3' },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds: expected an integer from 1');
  return { rounds, python: values.python, positionals };
}

/** The median ratio and its range: `**1.60** (1.50 to 1.70)` */
export function describeRatios(ratios) {
  return `**${median(ratios).toFixed(2)}** (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`;
}

/** Markdown. */
export function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
