// A loaded model's calls share a thread: what becomes of it, and of calls that wait, when something ends.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { predict } from '../../lib/index.js';
import { openModel } from '../../lib/model.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { runProcess } from '../run-process.js';
import { trainSample } from '../support.js';

const moduleUrl = (path: string) => JSON.stringify(pathToFileURL(join(PACKAGE_ROOT, path)).href);
const PIXELS = { data: new Uint8Array(3072), width: 32, height: 32, channels: 3 } as const;

let checkpoint: string;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-predictor-'));
  checkpoint = (await trainSample(folder)).checkpoint;
  return () => rmSync(folder, { recursive: true, force: true });
});

/** Source of a program in which one long call runs and two wait. */
const program = (body: string) => `
  import { openModel } from ${moduleUrl('dist/lib/model.js')};
  import { setTimeout as wait } from 'node:timers/promises';
  let { predictor } = await openModel(${JSON.stringify(checkpoint)}, { device: 'cpu' });
  const pixels = new Uint8Array(30_000 * 3072);
  const calls = [1, 2, 3].map(() => predictor.classify(pixels, 0));
  await wait(100);
  ${body}`;

describe('with one call running and two waiting', () => {
  test('process.exit keeps its code', async () => {
    const { exitCode, signal, output } = await runProcess(program('process.exit(7);'));
    expect({ exitCode, signal, output }).toEqual({ exitCode: 7, signal: null, output: '' });
  });

  test('stopping all of them rejects all of them', async () => {
    const { exitCode, signal, output } = await runProcess(
      program(`
        for (const call of calls) call.stop();
        const settled = await Promise.allSettled(calls.map(({ result }) => result));
        console.log(settled.map(({ reason }) => reason?.code).join());`),
    );
    expect({ exitCode, signal, output }).toEqual({
      exitCode: 0,
      signal: null,
      output: 'ABORTED,ABORTED,ABORTED\n',
    });
  });

  test('a closed predictor that is collected lets them end, and the process with them', async () => {
    const { exitCode, signal, output } = await runProcess(
      program(`
        predictor.close();
        try { predictor.classify(pixels, 0); } catch (error) { console.log(error.message); }
        predictor = null;
        globalThis.gc();
        for (const call of calls.slice(0, 2)) { call.result.catch(() => undefined); call.stop(); }
        const { probabilities } = await Promise.race([calls[2].result, wait(60_000, {}, { ref: false })]);
        console.log(probabilities?.length);`),
      ['--expose-gc'],
    );
    expect({ exitCode, signal, output }).toEqual({
      exitCode: 0,
      signal: null,
      output: 'the predictor is closed\n300000\n',
    });
  });

  test('the end of a worker leaves others alone', async () => {
    const worker = program(`
      import { parentPort } from 'node:worker_threads';
      parentPort.postMessage('busy');
      await Promise.all(calls.map(({ result }) => result));`);
    const { exitCode, signal, output } = await runProcess(`
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const start = () => new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));
      for (let round = 0; round < 2; round++) {
        const worker = start();
        await once(worker, 'message');
        await worker.terminate();
      }
      console.log('alive');`);
    expect({ exitCode, signal, output }).toEqual({ exitCode: 0, signal: null, output: 'alive\n' });
  });
});

test('predict leaves no thread behind', async () => {
  const threads = () => readdirSync('/proc/self/task').length;
  await predict(PIXELS, { checkpoint });
  const before = threads();
  for (let call = 0; call < 5; call++) await predict(PIXELS, { checkpoint });
  expect(threads()).toBeLessThanOrEqual(before);
});

test('calls of one model keep their order and their results', async () => {
  const { predictor } = await openModel(checkpoint, { device: 'cpu' });
  onTestFinished(() => predictor.close());
  const finished: number[] = [];
  const results = await Promise.all(
    [0, 1, 2, 3].map(async (call) => {
      const { probabilities } = await predictor.classify(new Uint8Array(3072).fill(60 * call), 0).result;
      finished.push(call);
      return probabilities;
    }),
  );
  expect(finished).toEqual([0, 1, 2, 3]);
  const again = await predictor.classify(new Uint8Array(3072).fill(120), 0).result;
  expect(results[2]).toEqual(again.probabilities);
  expect(results[3]).not.toEqual(again.probabilities);
});
