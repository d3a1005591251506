// Checkpoints as files: written whole or not at all, read back, refused by name when they are not ours.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sealChunks, UNKNOWN_HASH } from '../../../lib/checkpoint/content-hash.js';
import {
  assertTensorsMatch,
  encodeSafetensors,
  readCheckpoint,
  saveCheckpoint,
  type TensorData,
} from '../../../lib/checkpoint/index.js';
import { parseSafetensors } from '../../safetensors.js';

const tensors = new Map<string, TensorData>([
  ['fc.weight', { dtype: 'F32', shape: [10, 2], data: new Uint8Array(80).fill(7) }],
  ['fc.bias', { dtype: 'F32', shape: [10], data: new Uint8Array(40) }],
]);

const meta = {
  config: { model: { name: 'fast' }, training: { threads: null } },
  classNames: ['airplane', 'automobile'],
  normalization: { mean: [0.5, 0.5, 0.5] as const, std: [0.2, 0.2, 0.2] as const },
  metrics: { accuracy: 0.94 },
  versions: { libtorch: '2.13.0' },
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cifar10-checkpoint-'));
  path = join(folder, 'runs', 'model.safetensors');
});
afterEach(() => rm(folder, { recursive: true }));

/** A whole file with this metadata, and with the hash that belongs to it. */
async function write(metadata: Record<string, string>): Promise<void> {
  await mkdir(join(folder, 'runs'), { recursive: true });
  const chunks = encodeSafetensors(tensors, { ...metadata, content_sha256: UNKNOWN_HASH });
  await sealChunks(chunks);
  await writeFile(path, Buffer.concat(chunks));
}

describe('saveCheckpoint', () => {
  test('writes what readCheckpoint gives back and nothing beside it', async () => {
    await saveCheckpoint(path, { tensors, ...meta });
    const checkpoint = await readCheckpoint(path);
    expect(checkpoint.meta).toEqual({ format: 'cifar10-torch', formatVersion: 2, ...meta });
    expect([...(checkpoint.tensors.get('fc.weight')?.data ?? [])]).toEqual(new Array(80).fill(7));
    expect(await readdir(join(folder, 'runs'))).toEqual(['model.safetensors']);
  });

  test('keeps the state of the training apart from the model, and where the training stands', async () => {
    const progress = {
      step: 3,
      trainedImages: 300,
      trainSeconds: 0.1 + 0.2,
      epochTotals: { steps: 1, images: 100, loss: 1 / 3, accuracy: 0.5, seconds: 0.1 },
      best: { value: 0.25, epoch: 1, staleLooks: 0 },
      stopping: { value: null, epoch: 0, staleLooks: 0 },
      hasEndedEarly: false,
    };
    const extra = new Map([
      ['optimizer.momentum.fc.bias', { dtype: 'F32', shape: [1], data: new Uint8Array(4).fill(9) } as const],
    ]);
    await saveCheckpoint(path, { tensors, extra, progress, ...meta });
    const checkpoint = await readCheckpoint(path);
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    expect([...(checkpoint.extra.get('optimizer.momentum.fc.bias')?.data ?? [])]).toEqual([9, 9, 9, 9]);
    expect(checkpoint.meta.progress).toEqual(progress);
    for (const damaged of ['{"step":-1}', 'no JSON']) {
      const { metadata } = parseSafetensors(await readFile(path), 'it');
      await write({ ...metadata, progress: damaged });
      await expect(readCheckpoint(path)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
    }
  });

  test('gives the same bytes each time', async () => {
    await saveCheckpoint(path, { tensors, ...meta });
    const first = await readFile(path);
    await saveCheckpoint(path, { tensors, ...meta });
    expect((await readFile(path)).equals(first)).toBe(true);
  });

  test('keeps the old checkpoint when the new one cannot be encoded', async () => {
    await saveCheckpoint(path, { tensors, ...meta });
    const broken = new Map([['x', { dtype: 'F32', shape: [2], data: new Uint8Array(1) } as const]]);
    await expect(saveCheckpoint(path, { tensors: broken, ...meta })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect((await readCheckpoint(path)).tensors.size).toBe(2);
  });

  test('says so where it cannot write', async () => {
    await writeFile(join(folder, 'runs'), 'a file where the folder should be');
    await expect(saveCheckpoint(path, { tensors, ...meta })).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
    expect(await readdir(folder)).toEqual(['runs']);
  });
});

describe('readCheckpoint', () => {
  test('names a missing file, a folder and a device', async () => {
    await expect(readCheckpoint(path)).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_FOUND',
      message: expect.stringContaining(path),
    });
    await expect(readCheckpoint(folder)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      found: 'a folder',
    });
    await expect(readCheckpoint('/dev/zero')).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });

  test('refuses a damaged file by name', async () => {
    await saveCheckpoint(path, { tensors, ...meta });
    await writeFile(path, (await readFile(path)).subarray(0, -1));
    await expect(readCheckpoint(path)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining(path),
    });
  });

  test('refuses a safetensors file of another program, a newer format and damaged metadata', async () => {
    const metadata = {
      format: 'cifar10-torch',
      format_version: '2',
      config: '{}',
      class_names: '["airplane"]',
      normalization: '{"mean":[0,0,0],"std":[1,1,1]}',
      metrics: '{}',
      versions: '{}',
    };
    await write(metadata);
    expect((await readCheckpoint(path)).meta.classNames).toEqual(['airplane']);
    const { config: _config, ...withoutConfig } = metadata;
    const wrong: [Record<string, string>, RegExp][] = [
      [{}, /found none/],
      [{ format: 'pt' }, /found "pt"/],
      [{ ...metadata, format_version: '3' }, /expected "2", found "3"/],
      [{ ...metadata, class_names: '[' }, /"classNames"/],
      [{ ...metadata, normalization: '{"mean":[0,0],"std":[1,1,1]}' }, /"normalization.mean"/],
      [withoutConfig, /"config"/],
    ];
    for (const [content, message] of wrong) {
      await write(content);
      await expect(readCheckpoint(path)).rejects.toMatchObject({
        code: 'CHECKPOINT_INVALID',
        message: expect.stringMatching(message),
        nextStep: expect.any(String),
      });
    }
  });
});

describe('assertTensorsMatch', () => {
  const mismatch = (expected: string, found: string) =>
    expect.objectContaining({ code: 'CHECKPOINT_MISMATCH', expected, found });

  test('passes the same names, dtypes and shapes in any order', () => {
    expect(() => assertTensorsMatch(path, tensors, new Map([...tensors].reverse()))).not.toThrow();
  });

  test('names the first missing, extra or different tensor', () => {
    const bias = { dtype: 'F32', shape: [10] } as const;
    const weight = { dtype: 'F32', shape: [10, 2] } as const;
    const check = (layout: [string, { dtype: 'F32' | 'I64'; shape: readonly number[] }][]) => () =>
      assertTensorsMatch(path, tensors, new Map(layout));
    expect(check([['fc.weight', weight]])).toThrow(mismatch('no "fc.bias"', '"fc.bias" F32 [10]'));
    expect(
      check([
        ['conv1', weight],
        ['fc.weight', weight],
        ['fc.bias', bias],
      ]),
    ).toThrow(mismatch('"conv1" F32 [10, 2]', 'no "conv1"'));
    expect(
      check([
        ['fc.weight', { ...weight, shape: [2, 10] }],
        ['fc.bias', { ...bias, dtype: 'I64' }],
      ]),
    ).toThrow(mismatch('"fc.weight" F32 [2, 10]', '"fc.weight" F32 [10, 2]'));
    expect(check([['other', weight]])).toThrow(/3 tensors differ/);
  });
});
