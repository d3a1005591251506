// No checkpoint is trusted: whatever is not what it claims to be is refused by name, at once and without its memory.
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CheckpointHead, readCheckpoint, type TrainingProgress } from '../../lib/checkpoint/index.js';
import { Cifar10Error, predict, train } from '../../lib/index.js';
import { assertOfModel } from '../../lib/model.js';
import { loadNative } from '../../lib/native.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { runProcess } from '../run-process.js';
import { temporaryFolder } from '../support.js';
import { INFLATING, LIES, makeFile, PROGRESS_LIES, splitFile } from './hostile-checkpoints.js';

const IMAGE = { data: new Uint8Array(3072), width: 32, height: 32, channels: 3 } as const;
const REFUSED = /^CHECKPOINT_(?:INVALID|MISMATCH)$/;

let original: Buffer;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-test-'));
  const net = ['model=cnn', 'model.widths=[4]', 'model.convs_per_stage=1'];
  const short = ['data_loading=sample', 'training=standard', 'training.epochs=0.1'];
  const { checkpoint } = await train({ overrides: [...net, ...short, `output_dir=${folder}`] });
  original = readFileSync(checkpoint);
  rmSync(folder, { recursive: true });
});

const classify = (checkpoint: string) => predict(IMAGE, { checkpoint, device: 'cpu', threads: 1 });

test('the good one is taken, and so is the same made anew', async () => {
  const path = join(temporaryFolder(), 'good.safetensors');
  const { header, data } = splitFile(original);
  writeFileSync(path, await makeFile(header, data));
  expect(readFileSync(path).equals(original)).toBe(true);
  expect(await classify(path)).toHaveLength(1);
});

describe('a checkpoint that lies', () => {
  test('comes in more than eighty kinds', () => {
    expect(Object.keys(LIES).length).toBeGreaterThan(80);
  });

  test.each(Object.entries(LIES))('about %s is refused', async (_name, change) => {
    const { header, data } = splitFile(original);
    const changed = change(structuredClone(header), data);
    const isWhole = typeof changed === 'object' && 'data' in changed && 'header' in changed;
    const parts = isWhole
      ? (changed as { header: typeof header; data: Uint8Array })
      : { header: changed as typeof header, data };
    const path = join(temporaryFolder(), 'lie.safetensors');
    writeFileSync(path, await makeFile(parts.header, parts.data));
    const startedMs = performance.now();
    await expect(classify(path)).rejects.toMatchObject({
      code: expect.stringMatching(REFUSED),
      message: expect.stringContaining(path),
      nextStep: expect.any(String),
    });
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});

describe('a state of a training', () => {
  const STEP = 12;
  let runDir = '';
  let state: Buffer;

  beforeAll(async () => {
    const outputDir = mkdtempSync(join(tmpdir(), 'cifar10-torch-test-'));
    const net = ['model=cnn', 'model.widths=[4]', 'model.convs_per_stage=1', 'training=standard'];
    const data = ['data_loading=sample', 'data_loading.validation=0.2', `output_dir=${outputDir}`];
    const keep = [`training.checkpoint.every_steps=${STEP}`, 'training.checkpoint.keep=100'];
    const controller = new AbortController();
    const run = train({ overrides: [...net, ...data, ...keep], signal: controller.signal });
    const stopped = expect(run).rejects.toMatchObject({ code: 'ABORTED' });
    const events = run[Symbol.asyncIterator]();
    for (let event = await events.next(); !event.done; event = await events.next())
      if (event.value.type === 'start') ({ runDir } = event.value);
      else if (event.value.type === 'kept') break;
    controller.abort();
    await stopped;
    state = readFileSync(join(runDir, `step-0000000${STEP}.safetensors`));
    return () => rmSync(outputDir, { recursive: true });
  });

  /** In the run's own folder: as a user goes on from it. */
  async function writeState(change: (progress: TrainingProgress) => object): Promise<string> {
    const { header, data } = splitFile(state);
    const progress = JSON.parse(header.__metadata__.progress as string) as TrainingProgress;
    const metadata = {
      ...header.__metadata__,
      progress: JSON.stringify({ ...progress, ...change(progress) }),
    };
    const path = join(runDir, `step-0000000${STEP}.safetensors`);
    writeFileSync(path, await makeFile({ ...header, __metadata__: metadata }, data));
    return path;
  }

  test('is taken as it is', async () => {
    const { meta } = await readCheckpoint(await writeState(() => ({})));
    expect(meta.progress).toMatchObject({ step: STEP, epochTotals: { steps: 4 } });
  });

  test.each(Object.entries(PROGRESS_LIES))('with %s is refused', async (_name, change) => {
    await expect(readCheckpoint(await writeState(change))).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      expected: expect.stringContaining('progress'),
    });
  });

  test.each([
    ['best', 2, 0],
    ['stopping', 1, 1],
  ])('whose %s epoch and looks are more than its steps make is refused', async (key, epoch, staleLooks) => {
    const path = await writeState(() => ({ [key]: { value: 1, epoch, staleLooks } }));
    await readCheckpoint(path); // which cannot know how long an epoch is
    await expect(train({ resume: path })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      expected: 'at most 1 epochs judged after 12 steps',
      found: '2',
    });
  });
});

describe('a damaged file', () => {
  const check = (path: string) => (head: CheckpointHead) => assertOfModel(path, head, loadNative());

  test('is refused wherever it was cut', async () => {
    const path = join(temporaryFolder(), 'cut.safetensors');
    writeFileSync(path, original);
    const file = openSync(path, 'r+');
    for (let length = original.length - 1; length >= 0; length--) {
      ftruncateSync(file, length);
      await expectRefusal(path, `at ${length} bytes`);
    }
    closeSync(file);
  });

  test('is refused whichever bit of its head has flipped, and any byte of its data', async () => {
    const path = join(temporaryFolder(), 'flipped.safetensors');
    writeFileSync(path, original);
    const headBytes = 8 + Number(original.readBigUInt64LE());
    const file = openSync(path, 'r+');
    for (let at = 0; at < original.length; at++) {
      const byte = original[at] as number;
      const bits = at < headBytes ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (at % 8)];
      for (const bit of bits) {
        writeSync(file, Buffer.of(byte ^ bit), 0, 1, at);
        await expectRefusal(path, `with bit ${bit} of byte ${at} flipped`);
      }
      writeSync(file, Buffer.of(byte), 0, 1, at);
    }
    closeSync(file);
    expect((await readCheckpoint(path, check(path))).tensors.size).toBeGreaterThan(0);
  });

  /** Without `expect`, which takes longer than the reading itself. */
  async function expectRefusal(path: string, what: string): Promise<void> {
    try {
      await readCheckpoint(path, check(path));
    } catch (error) {
      if (error instanceof Cifar10Error && REFUSED.test(error.code)) return;
      throw new Error(`${what}: ${String(error)}`);
    }
    throw new Error(`${what}: accepted`);
  }
});

const MAX_KILOBYTES = 16 * 1024;

/** Refuses the files one after the other in a process of its own, and tells by how much that made it grow at most. */
async function refuseAll(paths: readonly string[]): Promise<{ codes: string[]; kilobytes: number }> {
  const library = JSON.stringify(pathToFileURL(join(PACKAGE_ROOT, 'dist/lib/index.js')).href);
  const { exitCode, output } = await runProcess(`
    import { predict } from ${library};
    const image = { data: new Uint8Array(3072), width: 32, height: 32, channels: 3 };
    const refuse = (checkpoint) => predict(image, { checkpoint }).then(() => 'taken', ({ code }) => code);
    await refuse('/nonexistent'); // loads everything
    const codes = [];
    const before = process.resourceUsage().maxRSS;
    for (const path of ${JSON.stringify(paths)}) codes.push(await refuse(path));
    console.log(JSON.stringify({ codes, kilobytes: process.resourceUsage().maxRSS - before }));`);
  expect(exitCode, output).toBe(0);
  return JSON.parse(output);
}

// In a process for each: what one has left behind would hide what the next one takes.
test.each(Object.entries(INFLATING))(
  'refusing %s takes no more than 16 MB beside it',
  async (_name, change) => {
    const path = join(temporaryFolder(), 'inflating.safetensors');
    const { header, data } = splitFile(original);
    writeFileSync(path, await makeFile(change(header, data) as typeof header | string, data));
    const { codes, kilobytes } = await refuseAll([path]);
    expect(codes).toEqual(['CHECKPOINT_INVALID']);
    expect(kilobytes).toBeLessThan(MAX_KILOBYTES + statSync(path).size / 1024);
  },
);

test('refusing takes no more memory than 16 MB, however large the file and the model that it names', async () => {
  const folder = temporaryFolder();
  const { header } = splitFile(original);
  const large = join(folder, 'large.safetensors');
  const size = 2 ** 28; // 1 GiB of float32
  const more = { ...header, 'fc.bias': { dtype: 'F32', shape: [size], data_offsets: [0, 4 * size] } };
  const only = { __metadata__: more.__metadata__, 'fc.bias': more['fc.bias'] } as typeof header;
  writeFileSync(large, await makeFile(only, new Uint8Array(0)));
  const file = openSync(large, 'r+');
  ftruncateSync(file, statSync(large).size + 4 * size);
  closeSync(file);
  const tree = JSON.parse(header.__metadata__.config as string) as { model: { batch_norm: object } };
  const ofModel = async (name: string, model: object) => {
    const metadata = { ...header.__metadata__, config: JSON.stringify({ ...tree, model }) };
    const path = join(folder, `${name}.safetensors`);
    const lie = { ...header, __metadata__: metadata } as typeof header;
    writeFileSync(path, await makeFile(lie, splitFile(original).data));
    return path;
  };
  const { batch_norm } = tree.model;
  const wide = await ofModel('wide', { ...tree.model, widths: [4096, 4096, 4096, 4096], convs_per_stage: 4 });
  const deep = await ofModel('deep', { name: 'cifar_resnet', depth: 1202, width: 1024, batch_norm });
  const { codes, kilobytes } = await refuseAll([large, wide, deep]);
  expect(codes).toEqual(Array(3).fill('CHECKPOINT_MISMATCH'));
  expect(kilobytes).toBeLessThan(MAX_KILOBYTES);
});
