import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import { AbortError, listRuns, type TrainingStopped, train } from '../../lib/index.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { runProcess } from '../run-process.js';
import { temporaryFolder, trainSample } from '../support.js';

const LIBRARY = join(PACKAGE_ROOT, 'dist/lib/index.js');
const SHARP = createRequire(import.meta.url).resolve('sharp');
const LONG = ['model.widths=[32,64,64]', 'training.epochs=1000'];
/** For several at once: with all threads each they would take the processors from each other, and ten times as long. */
const ONE_THREAD = ['training.threads=1'];

/** Source of a program that trains the tiny net on the sample into `outputDir`; `extra` are more overrides. */
const program = (outputDir: string, body: string, extra: string[] = []) => `
  import { train } from ${JSON.stringify(pathToFileURL(LIBRARY).href)};
  const overrides = ['data_loading=sample', 'model.widths=[8,8,8]', 'training.epochs=1', 'training.tta_level=0',
    ${JSON.stringify(`output_dir=${outputDir}`)}, ...${JSON.stringify(extra)}];
  ${body}`;

test('the event loop stays free: a 10 ms timer keeps ticking while a net trains', async () => {
  const gapsMs: number[] = [];
  const run = trainSample(temporaryFolder(), ['model.widths=[64,128,128]', 'training.epochs=4']);
  let lastMs = Number.NaN;
  let timer: NodeJS.Timeout | undefined;
  for await (const event of run) {
    if (event.type === 'start') {
      lastMs = performance.now();
      timer = setInterval(() => {
        gapsMs.push(performance.now() - lastMs);
        lastMs = performance.now();
      }, 10);
    } else if (event.type === 'epoch' && event.epoch === 4) clearInterval(timer);
  }
  const { trainSeconds } = await run;
  gapsMs.sort((a, b) => a - b);
  expect(trainSeconds).toBeGreaterThan(0.3);
  expect(gapsMs.length).toBeGreaterThan(trainSeconds * 50); // of at most 100 ticks a second
  expect(gapsMs[Math.floor(gapsMs.length * 0.9)]).toBeLessThan(30);
  expect(gapsMs.at(-1)).toBeLessThan(Math.max(250, trainSeconds * 250)); // no part of a second is lost in one piece
});

describe('an abort', () => {
  test('stops within one step, saves its state and rejects with the place', async () => {
    const outputDir = temporaryFolder();
    const controller = new AbortController();
    const run = trainSample(outputDir, LONG, { signal: controller.signal });
    let stepAtAbort = 0;
    let lastStep = 0;
    const iterate = async () => {
      for await (const event of run) {
        if (event.type !== 'step') continue;
        lastStep = event.step;
        if (lastStep === 3) {
          stepAtAbort = lastStep;
          controller.abort('enough');
        }
      }
    };
    await expect(iterate()).rejects.toMatchObject({
      name: 'TrainingStopped',
      code: 'ABORTED',
      cause: 'enough',
    });
    const stopped = await Promise.resolve(run).catch((error: unknown) => error as TrainingStopped);
    expect(lastStep - stepAtAbort).toBeLessThanOrEqual(2); // the step under way, and one reported meanwhile
    expect(stopped).toMatchObject({
      step: lastStep,
      steps: 10_000,
      runDir: expect.stringContaining(outputDir),
    });
    expect(stopped).toBeInstanceOf(AbortError);
    expect(existsSync((stopped as TrainingStopped).checkpoint)).toBe(true);
  });

  test('and a resumption give the weights of a run that was never stopped', async () => {
    const overrides = ['training.epochs=3', 'data_loading.validation=0.1'];
    const outputDir = temporaryFolder();
    const whole = await trainSample(outputDir, overrides);
    const controller = new AbortController();
    const first = trainSample(outputDir, overrides, { signal: controller.signal });
    const iterate = async () => {
      for await (const event of first) if (event.type === 'step' && event.step === 12) controller.abort();
    };
    const { runDir } = (await iterate().catch(
      (error: unknown) => error as TrainingStopped,
    )) as TrainingStopped;
    const resumed = await train({ resume: runDir });
    expect(resumed).toMatchObject({ runDir, test: whole.test, val: whole.val, steps: whole.steps });
    const read = async (path: string) => [...(await readCheckpoint(path)).tensors];
    expect(await read(resumed.checkpoint)).toEqual(await read(whole.checkpoint));
  });

  test('before the start does nothing at all', async () => {
    const outputDir = temporaryFolder();
    const run = trainSample(outputDir, LONG, { signal: AbortSignal.abort() });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(outputDir)).toEqual([]);
  });

  test('leaves the process able to train again', async () => {
    const controller = new AbortController();
    const stopped = trainSample(temporaryFolder(), LONG, { signal: controller.signal });
    setTimeout(() => controller.abort(), 300);
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await trainSample(temporaryFolder())).steps).toBe(10);
  });
});

test('two trainings at once in one process do not disturb each other', async () => {
  const alone = await trainSample(temporaryFolder());
  const together = await Promise.all([trainSample(temporaryFolder()), trainSample(temporaryFolder())]);
  for (const { test: figures, runDir } of together) {
    expect(figures).toEqual(alone.test);
    expect(runDir).not.toBe(alone.runDir);
  }
});

test('two runs of the same second into one folder get folders of their own', async () => {
  const outputDir = temporaryFolder();
  const runs = await Promise.all([0, 1, 2].map(() => trainSample(outputDir, ONE_THREAD)));
  expect(new Set(runs.map(({ runDir }) => runDir)).size).toBe(3);
});

describe('worker threads', () => {
  test('two of them train at once, and so does the main thread', async () => {
    const train = (outputDir: string) =>
      new Promise((resolve, reject) => {
        const body = `
          import { parentPort } from 'node:worker_threads';
          const { test } = await train({ overrides });
          parentPort.postMessage(test);`;
        const source = `data:text/javascript,${encodeURIComponent(program(outputDir, body, ONE_THREAD))}`;
        const worker = new Worker(new URL(source));
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    const [own, ...others] = await Promise.all([
      trainSample(temporaryFolder(), ONE_THREAD).then(({ test: figures }) => figures),
      train(temporaryFolder()),
      train(temporaryFolder()),
    ]);
    for (const figures of others) expect(figures).toEqual(own);
  });

  test('terminating one in the middle of a training ends only that worker', async () => {
    const body = `
      import { parentPort } from 'node:worker_threads';
      for await (const event of train({ overrides })) if (event.type === 'step') parentPort.postMessage(event.step);`;
    const source = `data:text/javascript,${encodeURIComponent(program(temporaryFolder(), body, LONG))}`;
    const worker = new Worker(new URL(source));
    await once(worker, 'message');
    await worker.terminate();
    expect((await trainSample(temporaryFolder())).steps).toBe(10);
  });
});

test('a worker may end, something else be loaded, and another worker begin', async () => {
  // The main thread never loads the addon: Node.js closes it with the last worker that has it.
  const worker = program(
    temporaryFolder(),
    `import { parentPort } from 'node:worker_threads';
     parentPort.postMessage((await train({ overrides })).steps);`,
  );
  const body = `
    import { Worker } from 'node:worker_threads';
    import { once } from 'node:events';
    const work = async () => {
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));
      const ended = once(worker, 'exit'); // may come in the same turn as the message
      const [steps] = await once(worker, 'message');
      await ended;
      return steps;
    };
    const first = await work();
    const { default: sharp } = await import(${JSON.stringify(pathToFileURL(SHARP).href)});
    await sharp({ create: { width: 64, height: 64, channels: 3, background: '#fff' } }).png().toBuffer();
    console.log(first, await work());`;
  const { exitCode, signal, output } = await runProcess(body);
  expect({ exitCode, signal, output }).toEqual({ exitCode: 0, signal: null, output: '10 10\n' });
});

describe('the end of a process', () => {
  test('comes by itself after a training, with code 0', async () => {
    const { exitCode, signal, output } = await runProcess(
      program(temporaryFolder(), `console.log((await train({ overrides })).steps);`),
    );
    expect({ exitCode, signal, output }).toEqual({ exitCode: 0, signal: null, output: '10\n' });
  });

  test('process.exit in the middle of a training keeps its code', async () => {
    const body = `for await (const event of train({ overrides })) if (event.type === 'step') process.exit(7);`;
    const { exitCode, signal } = await runProcess(program(temporaryFolder(), body, LONG));
    expect({ exitCode, signal }).toEqual({ exitCode: 7, signal: null });
  });

  test('an error thrown in the middle of a training ends it with code 1', async () => {
    const body = `for await (const event of train({ overrides })) if (event.type === 'step') throw new Error('mine');`;
    const { exitCode, signal, output } = await runProcess(program(temporaryFolder(), body, LONG));
    expect({ exitCode, signal }).toEqual({ exitCode: 1, signal: null });
    expect(output).toContain('mine');
  });

  test('CommonJS and ESM load the package in one process', async () => {
    const body = `
      import { createRequire } from 'node:module';
      const required = createRequire(import.meta.url)(${JSON.stringify(LIBRARY)});
      console.log(required.train === train, (await required.train({ overrides })).steps);`;
    const { exitCode, signal, output } = await runProcess(program(temporaryFolder(), body));
    expect({ exitCode, signal, output: output.split('\n')[0] }).toEqual({
      exitCode: 0,
      signal: null,
      output: 'true 10',
    });
  });

  test('comes by itself after two workers and two runs of the main thread trained at once', async () => {
    const worker = program(
      temporaryFolder(),
      `import { parentPort } from 'node:worker_threads';
       parentPort.postMessage((await train({ overrides })).steps);`,
      ONE_THREAD,
    );
    const body = `
      import { Worker } from 'node:worker_threads';
      import { once } from 'node:events';
      const source = new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}));
      const work = async () => (await once(new Worker(source), 'message'))[0];
      const own = async () => (await train({ overrides })).steps;
      console.log((await Promise.all([work(), own(), work(), own()])).join(' '));`;
    const { exitCode, signal, output } = await runProcess(program(temporaryFolder(), body, ONE_THREAD));
    expect({ exitCode, signal, output }).toEqual({ exitCode: 0, signal: null, output: '10 10 10 10\n' });
  });

  test('comes by itself after a training that was aborted', async () => {
    const body = `
      const controller = new AbortController();
      const run = train({ overrides, signal: controller.signal });
      for await (const event of run) if (event.type === 'step') controller.abort();`;
    const wrapped = `try { ${body} } catch ({ code }) { console.log(code); }`;
    const { exitCode, signal, output } = await runProcess(program(temporaryFolder(), wrapped, LONG));
    expect({ exitCode, signal, output }).toEqual({ exitCode: 0, signal: null, output: 'ABORTED\n' });
  });

  test('comes by itself after a worker was terminated in the middle of a training', async () => {
    const worker = program(
      temporaryFolder(),
      `import { parentPort } from 'node:worker_threads';
       for await (const event of train({ overrides })) if (event.type === 'step') parentPort.postMessage(event.step);`,
      LONG,
    );
    const body = `
      import { Worker } from 'node:worker_threads';
      import { once } from 'node:events';
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})));
      await once(worker, 'message');
      console.log(await worker.terminate());`;
    const { exitCode, signal, output } = await runProcess(body);
    expect({ exitCode, signal, output }).toEqual({ exitCode: 0, signal: null, output: '1\n' });
  });

  test('waits for a training that nobody holds any more', async () => {
    const outputDir = temporaryFolder();
    const body = `train({ overrides }); gc(); setTimeout(gc, 100); setTimeout(gc, 300);`;
    const { exitCode, signal, output } = await runProcess(program(outputDir, body), ['--expose-gc']);
    expect({ exitCode, signal, output }).toEqual({ exitCode: 0, signal: null, output: '' });
    const [run] = await listRuns(outputDir);
    expect(run).toMatchObject({ status: 'finished', step: 10 });
  });

  test('does not wait for it where it is asked to come', async () => {
    const body = `train({ overrides }); setInterval(gc, 20); setTimeout(() => process.exit(3), 600);`;
    const { exitCode, signal } = await runProcess(program(temporaryFolder(), body, LONG), ['--expose-gc']);
    expect({ exitCode, signal }).toEqual({ exitCode: 3, signal: null });
  });
});

test('sixty trainings in one process leave nothing behind but their folders', async () => {
  const body = `
    const megabytes = () => { gc(); return process.memoryUsage.rss() / 2 ** 20; };
    const grown = [];
    for (let run = 1; run <= 60; run++) {
      await train({ overrides });
      if (run % 12 === 0) grown.push(Math.round(megabytes()));
    }
    console.log(JSON.stringify(grown));`;
  const extra = ['training.checkpoint.every_steps=3', 'training.checkpoint.keep=2'];
  const { exitCode, signal, output } = await runProcess(program(temporaryFolder(), body, extra), [
    '--expose-gc',
  ]);
  expect({ exitCode, signal }, output).toEqual({ exitCode: 0, signal: null });
  const grown = JSON.parse(output) as number[];
  expect(grown).toHaveLength(5);
  expect((grown[4] as number) - (grown[0] as number), output).toBeLessThan(32);
}, 600_000);
