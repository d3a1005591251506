// Owns the checkpoint as a file: one safetensors file with tensors and what they are, written whole or not at all.
// Must not know models or the configuration.
import { writeFileAtomic } from '../atomic.js';
import { Cifar10Error } from '../errors.js';
import { HASH_KEY, isSealed, sealChunks } from './content-hash.js';
import { type CheckpointMeta, decodeMeta, encodeMeta } from './meta.js';
import { encodeSafetensors } from './safetensors-encode.js';
import { type FileKind, SafetensorsFile } from './safetensors-file.js';
import { sliceTensors } from './safetensors-parse.js';
import type { TensorData, TensorLayout } from './tensor.js';

export interface Checkpoint {
  /** Of the model. */
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** Of its training, `optimizer.momentum.conv1.weight`, `ema.…`; empty unless `meta.progress` is there. */
  readonly extra: ReadonlyMap<string, TensorData>;
  readonly meta: CheckpointMeta;
  /** Of all its bytes, 64 hexadecimal digits: two files with the same one say and do the same. */
  readonly sha256: string;
}

/** What a checkpoint is made of; the rest of its metadata is added on writing. */
export interface NewCheckpoint extends Omit<CheckpointMeta, 'format' | 'formatVersion'> {
  readonly tensors: ReadonlyMap<string, TensorData>;
  readonly extra?: ReadonlyMap<string, TensorData> | undefined;
}

/** Where the names of a training's tensors begin; no model has a module of these names. */
const EXTRA_NAME = /^(?:optimizer|ema|lookahead|best)\./;

const CHECKPOINT: FileKind = {
  name: 'checkpoint',
  ifMissing: 'check the path, or train a checkpoint first',
  nextStep: 'give the path of a .safetensors file that the train command wrote',
};
const WEIGHTS: FileKind = {
  name: 'the file of weights',
  ifMissing: 'check the path',
  nextStep: 'write it in Python with safetensors.torch.save_file(model.state_dict(), path)',
};

/**
 * Writes a checkpoint, replacing a file of that name only when all of it is on the disk.
 * Errors: `DISK_FULL`, `NOT_WRITABLE`, `INVALID_ARGUMENT`.
 */
export async function saveCheckpoint(
  path: string,
  { tensors, extra, ...meta }: NewCheckpoint,
): Promise<void> {
  const all = new Map([...tensors, ...(extra ?? [])]);
  const chunks = encodeSafetensors(all, encodeMeta(meta));
  await sealChunks(chunks);
  await writeFileAtomic(path, chunks);
}

/** What a checkpoint says of itself, before its data is read. */
export interface CheckpointHead {
  /** Of the model. */
  readonly layouts: ReadonlyMap<string, TensorLayout>;
  readonly meta: CheckpointMeta;
}

/**
 * Reads and checks a whole checkpoint; nothing of its data before `check` has returned.
 * Errors: `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`, and what `check` throws.
 */
export async function readCheckpoint(
  path: string,
  check: (head: CheckpointHead) => void = () => {},
): Promise<Checkpoint> {
  const file = await SafetensorsFile.open(path, CHECKPOINT);
  try {
    const { tensors: layouts, metadata } = file.head;
    const meta = decodeMeta(path, metadata);
    check({ layouts: only(layouts, (name) => !EXTRA_NAME.test(name)), meta });
    const data = await file.readData();
    const sha256 = metadata[HASH_KEY] ?? '';
    if (!(await isSealed(sha256, file.headBytes, data))) throw damaged(path);
    const tensors = sliceTensors(file.head, data);
    return {
      tensors: only(tensors, (name) => !EXTRA_NAME.test(name)),
      extra: only(tensors, (name) => EXTRA_NAME.test(name)),
      meta,
      sha256,
    };
  } finally {
    await file.close();
  }
}

/**
 * Reads tensors that another program wrote; what the file says about itself is not looked at. Nothing of its data is
 * read before `check` has returned.
 * Errors: `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`, and what `check` throws.
 */
export async function readWeights(
  path: string,
  check: (layouts: ReadonlyMap<string, TensorLayout>) => void = () => {},
): Promise<Map<string, TensorData>> {
  const file = await SafetensorsFile.open(path, WEIGHTS);
  try {
    check(file.head.tensors);
    return sliceTensors(file.head, await file.readData());
  } finally {
    await file.close();
  }
}

function only<Value>(
  map: ReadonlyMap<string, Value>,
  matches: (name: string) => boolean,
): Map<string, Value> {
  const result = new Map<string, Value>();
  for (const [name, value] of map) if (matches(name)) result.set(name, value);
  return result;
}

function damaged(path: string): Cifar10Error {
  return new Cifar10Error('CHECKPOINT_INVALID', {
    what: `checkpoint "${path}" is damaged`,
    expected: 'the content that it was written with, by its SHA-256',
    found: 'other bytes',
    nextStep: 'copy the file again, or give an earlier checkpoint',
  });
}
