// Owns the checkpoint as a file: one safetensors file with tensors and what they are, written whole or not at all.
// Must not know models or the configuration.
import { readFile, stat } from 'node:fs/promises';
import { writeFileAtomic } from '../atomic.js';
import { Cifar10Error, systemCode } from '../errors.js';
import { type CheckpointMeta, decodeMeta, encodeMeta } from './meta.js';
import { encodeSafetensors } from './safetensors-encode.js';
import { parseSafetensors } from './safetensors-parse.js';
import type { TensorData } from './tensor.js';

export interface Checkpoint {
  /** Of the model. */
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** Of its training, `optimizer.momentum.conv1.weight`, `ema.…`; empty unless `meta.progress` is there. */
  readonly extra: ReadonlyMap<string, TensorData>;
  readonly meta: CheckpointMeta;
}

/** What a checkpoint is made of; the rest of its metadata is added on writing. */
export interface NewCheckpoint extends Omit<CheckpointMeta, 'format' | 'formatVersion'> {
  readonly tensors: ReadonlyMap<string, TensorData>;
  readonly extra?: ReadonlyMap<string, TensorData> | undefined;
}

/** Where the names of a training's tensors begin; no model has a module of these names. */
const EXTRA_NAME = /^(?:optimizer|ema|lookahead|best)\./;

/** How errors speak of a file. */
interface Kind {
  readonly name: string;
  readonly ifMissing: string;
  readonly nextStep: string;
}

const CHECKPOINT: Kind = {
  name: 'checkpoint',
  ifMissing: 'check the path, or train a checkpoint first',
  nextStep: 'give the path of a .safetensors file that the train command wrote',
};
const WEIGHTS: Kind = {
  name: 'the file of weights',
  ifMissing: 'check the path',
  nextStep: 'write it in Python with safetensors.torch.save_file(model.state_dict(), path)',
};

/** What Node.js reads into one buffer on every version it runs on. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Writes a checkpoint, replacing a file of that name only when all of it is on the disk.
 * Errors: `DISK_FULL`, `NOT_WRITABLE`, `INVALID_ARGUMENT`.
 */
export async function saveCheckpoint(
  path: string,
  { tensors, extra, ...meta }: NewCheckpoint,
): Promise<void> {
  const all = new Map([...tensors, ...(extra ?? [])]);
  await writeFileAtomic(path, encodeSafetensors(all, encodeMeta(meta)));
}

/** Reads and checks a whole checkpoint. Errors: `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = parseSafetensors(await readBytes(path, CHECKPOINT), `checkpoint "${path}"`);
  const all = [...tensors];
  return {
    tensors: new Map(all.filter(([name]) => !EXTRA_NAME.test(name))),
    extra: new Map(all.filter(([name]) => EXTRA_NAME.test(name))),
    meta: decodeMeta(path, metadata),
  };
}

/**
 * Reads tensors that another program wrote; what the file says about itself is not looked at.
 * Errors: `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`.
 */
export async function readWeights(path: string): Promise<Map<string, TensorData>> {
  const bytes = await readBytes(path, WEIGHTS);
  return parseSafetensors(bytes, `the file of weights "${path}"`, WEIGHTS.nextStep).tensors;
}

async function readBytes(path: string, kind: Kind): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (!info.isFile())
      throw unreadable(path, kind, 'a file', info.isDirectory() ? 'a folder' : 'a device or pipe');
    if (info.size > MAX_FILE_BYTES)
      throw unreadable(path, kind, `at most ${MAX_FILE_BYTES} bytes`, `${info.size} bytes`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof Cifar10Error) throw error;
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw unreadable(path, kind, 'a file this user can read', code ?? String(error), error);
    throw new Cifar10Error('CHECKPOINT_NOT_FOUND', {
      what: `${kind.name} "${path}" does not exist`,
      nextStep: kind.ifMissing,
      cause: error,
    });
  }
}

function unreadable(
  path: string,
  kind: Kind,
  expected: string,
  found: string,
  cause?: unknown,
): Cifar10Error {
  return new Cifar10Error('CHECKPOINT_INVALID', {
    what: `${kind.name} "${path}" cannot be read`,
    expected,
    found,
    nextStep: kind.nextStep,
    cause,
  });
}
