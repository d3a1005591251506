// Owns what the load tests are told and the net that they take where they are told none.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { train } from '../../dist/lib/index.js';

/** Reads `[checkpoint] [--rounds n] [--seconds n]`, gives `work` a checkpoint, `net` trained on the sample if there is none, and tells failures. */
export async function main(name, { net = ['training.epochs=3'], ...defaults }, work) {
  const folder = mkdtempSync(join(tmpdir(), `cifar10-torch-${name}-`));
  try {
    const { rounds, seconds, positionals } = readArguments(defaults);
    const overrides = ['data_loading=sample', `output_dir=${folder}`, ...net];
    const checkpoint = positionals[0] ?? (await train({ overrides })).checkpoint;
    await work({ checkpoint, rounds, seconds });
  } catch (error) {
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 2;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readArguments({ rounds, seconds }) {
  const options = {
    rounds: { type: 'string', default: String(rounds) },
    seconds: { type: 'string', default: String(seconds) },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const read = (option) => {
    const value = Number(values[option]);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new Error(`--${option}: expected an integer from 1, found ${values[option]}`);
  };
  return { rounds: read('rounds'), seconds: read('seconds'), positionals };
}

/** The last line of a report. */
export function describeMachine(rounds) {
  const day = new Date().toISOString().slice(0, 10);
  return `${cpus()[0]?.model ?? process.arch}, ${cpus().length} cores, client and server on the same machine; Node.js ${process.version}; ${rounds} rounds in turn; ${day}\n`;
}
