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
  /** The optimizer's state; empty unless `meta.progress` is there. */
  readonly optimizer: ReadonlyMap<string, TensorData>;
  readonly meta: CheckpointMeta;
}

/** What a checkpoint is made of; the rest of its metadata is added on writing. */
export interface NewCheckpoint extends Omit<CheckpointMeta, 'format' | 'formatVersion'> {
  readonly tensors: ReadonlyMap<string, TensorData>;
  readonly optimizer?: ReadonlyMap<string, TensorData> | undefined;
}

/** No model has a module of that name. */
const OPTIMIZER_PREFIX = 'optimizer.';

/** What Node.js reads into one buffer on every version it runs on. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Writes a checkpoint, replacing a file of that name only when all of it is on the disk.
 * Errors: `DISK_FULL`, `NOT_WRITABLE`, `INVALID_ARGUMENT`.
 */
export async function saveCheckpoint(
  path: string,
  { tensors, optimizer, ...meta }: NewCheckpoint,
): Promise<void> {
  const state = [...(optimizer ?? [])].map(
    ([name, tensor]) => [`${OPTIMIZER_PREFIX}${name}`, tensor] as const,
  );
  await writeFileAtomic(path, encodeSafetensors(new Map([...tensors, ...state]), encodeMeta(meta)));
}

/** Reads and checks a whole checkpoint. Errors: `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = parseSafetensors(await readBytes(path), `checkpoint "${path}"`);
  const all = [...tensors];
  const isState = ([name]: readonly [string, TensorData]) => name.startsWith(OPTIMIZER_PREFIX);
  return {
    tensors: new Map(all.filter((entry) => !isState(entry))),
    optimizer: new Map(
      all.filter(isState).map(([name, tensor]) => [name.slice(OPTIMIZER_PREFIX.length), tensor]),
    ),
    meta: decodeMeta(path, metadata),
  };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (!info.isFile())
      throw unreadable(path, 'a file', info.isDirectory() ? 'a folder' : 'a device or pipe');
    if (info.size > MAX_FILE_BYTES)
      throw unreadable(path, `at most ${MAX_FILE_BYTES} bytes`, `${info.size} bytes`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof Cifar10Error) throw error;
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw unreadable(path, 'a file this user can read', code ?? String(error), error);
    throw new Cifar10Error('CHECKPOINT_NOT_FOUND', {
      what: `checkpoint "${path}" does not exist`,
      nextStep: 'check the path, or train a checkpoint first',
      cause: error,
    });
  }
}

function unreadable(path: string, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('CHECKPOINT_INVALID', {
    what: `checkpoint "${path}" cannot be read`,
    expected,
    found,
    nextStep: 'give the path of a .safetensors file that the train command wrote',
    cause,
  });
}
