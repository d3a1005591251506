// How long OpenMP's threads look for work before they sleep, as libgomp itself tells when it is loaded.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { runProcess } from '../run-process.js';
import { trainSample } from '../support.js';

const library = JSON.stringify(pathToFileURL(join(PACKAGE_ROOT, 'dist/lib/index.js')).href);
let checkpoint: string;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-waiting-'));
  checkpoint = (await trainSample(folder)).checkpoint;
  return () => rmSync(folder, { recursive: true, force: true });
});

const program = (call: string) => `
  import { Classifier, describeModel } from ${library};
  ${call};
  console.log('variable:', process.env.GOMP_SPINCOUNT);`;

/** The number of times, and what a process that is started then would find in its environment. */
async function spinCount(call: string, env: NodeJS.ProcessEnv = {}) {
  const { output } = await runProcess(program(call), [], { OMP_DISPLAY_ENV: 'VERBOSE', ...env });
  return {
    times: Number(/GOMP_SPINCOUNT = '(\d+)'/.exec(output)?.[1]),
    variable: /variable: (.*)/.exec(output)?.[1],
  };
}

const load = () => `await (await Classifier.load(${JSON.stringify(checkpoint)})).close()`;

test('a classifier, beside which images are decoded, lets them sleep soon, and leaves no trace of it', async () => {
  expect(await spinCount(load())).toEqual({ times: 1000, variable: 'undefined' });
});

test('where nothing else is expected, they wait as long as libgomp lets them', async () => {
  const { times, variable } = await spinCount("describeModel('fast')");
  expect(times).toBeGreaterThan(100_000);
  expect(variable).toBe('undefined');
});

test('what the user has chosen counts', async () => {
  expect(await spinCount(load(), { GOMP_SPINCOUNT: '77' })).toEqual({ times: 77, variable: '77' });
  expect((await spinCount(load(), { OMP_WAIT_POLICY: 'active' })).times).toBeGreaterThan(1_000_000);
});
