// Owns what a checkpoint says about itself, and its form as safetensors metadata: a map of strings, JSON inside.
// Must not know what the configuration holds: it travels as it is.
import { z } from 'zod';
import { Cifar10Error } from '../errors.js';
import { escapeLine, quoted } from '../printable.js';
import { HASH_KEY, UNKNOWN_HASH } from './content-hash.js';
import { findFlaw, type JsonLimits } from './json-scan.js';
import { progressSchema, type TrainingProgress } from './progress.js';

const FORMAT = 'cifar10-torch';
/** 1 had no hash of the content. */
const FORMAT_VERSION = 2;

/** Of each part: the configuration, the largest, has about a hundred names and nests four deep. */
const PART_LIMITS: JsonLimits = { depth: 16, ownNames: 1000, names: 1000, values: 4000 };

const threeNumbers = z.tuple([z.number(), z.number(), z.number()]);
const threePositive = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);

const MAX_CLASS_NAME = 100;
const isOneLine = (text: string) => escapeLine(text) === text;

const metaSchema = z.object({
  progress: progressSchema.optional(),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  config: z.record(z.string(), z.unknown()),
  // They are printed in tables.
  classNames: z
    .array(z.string().min(1).max(MAX_CLASS_NAME).refine(isOneLine, 'Expected printable text'))
    .min(1),
  normalization: z.object({ mean: threeNumbers, std: threePositive }),
  metrics: z.record(z.string(), z.unknown()),
  versions: z.record(z.string(), z.string()),
});

/** What a checkpoint says about itself. No time stands in it: the same training gives the same bytes. */
export interface CheckpointMeta {
  readonly format: typeof FORMAT;
  readonly formatVersion: typeof FORMAT_VERSION;
  /** The resolved configuration with snake_case keys, not validated. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Indexed by label. */
  readonly classNames: readonly string[];
  /** Of pixels scaled to [0, 1], per channel R, G, B. */
  readonly normalization: {
    readonly mean: readonly [number, number, number];
    readonly std: readonly [number, number, number];
  };
  readonly metrics: Readonly<Record<string, unknown>>;
  /** Versions of what wrote it: this package, LibTorch, Node.js… */
  readonly versions: Readonly<Record<string, string>>;
  /** Only of a training that has not ended. */
  readonly progress?: TrainingProgress | undefined;
  /** Likewise: what its configuration leaves to the machine, by key, and what is known of that. */
  readonly environment?: Readonly<Record<string, string | number>> | undefined;
}

/** The metadata of a safetensors file, whose hash is yet to be filled in. */
export function encodeMeta(meta: Omit<CheckpointMeta, 'format' | 'formatVersion'>): Record<string, string> {
  return {
    format: FORMAT,
    format_version: String(FORMAT_VERSION),
    config: JSON.stringify(meta.config),
    class_names: JSON.stringify(meta.classNames),
    normalization: JSON.stringify(meta.normalization),
    metrics: JSON.stringify(meta.metrics),
    versions: JSON.stringify(meta.versions),
    ...(meta.progress && { progress: JSON.stringify(meta.progress) }),
    ...(meta.environment && { environment: JSON.stringify(meta.environment) }),
    [HASH_KEY]: UNKNOWN_HASH,
  };
}

/** Reads the metadata back. Errors: `CHECKPOINT_INVALID` for a file this package did not write or a newer one did. */
export function decodeMeta(path: string, metadata: Readonly<Record<string, string>>): CheckpointMeta {
  if (metadata.format !== FORMAT)
    throw new Cifar10Error('CHECKPOINT_INVALID', {
      what: `"${path}" was not written by this package`,
      expected: `the metadata "format" to be "${FORMAT}"`,
      found: metadata.format === undefined ? 'none' : quoted(metadata.format),
      nextStep: 'give a checkpoint that the train command wrote',
    });
  if (metadata.format_version !== String(FORMAT_VERSION))
    throw new Cifar10Error('CHECKPOINT_INVALID', {
      what: `checkpoint "${path}" has another format version`,
      expected: `"${FORMAT_VERSION}"`,
      found: metadata.format_version === undefined ? 'none' : quoted(metadata.format_version),
      nextStep: 'install the version of this package that wrote it',
    });
  return { format: FORMAT, formatVersion: FORMAT_VERSION, ...parseParts(path, metadata) };
}

function parseParts(path: string, metadata: Readonly<Record<string, string>>) {
  const part = (key: string) => parseJson(path, key, metadata[key]);
  const result = metaSchema.safeParse({
    config: part('config'),
    classNames: part('class_names'),
    normalization: part('normalization'),
    metrics: part('metrics'),
    versions: part('versions'),
    ...('progress' in metadata && { progress: part('progress') ?? null }),
    ...('environment' in metadata && { environment: part('environment') ?? null }),
  });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw damaged(path, `a valid ${quoted(issue?.path.join('.') ?? '')}`, issue?.message);
}

/** Undefined where there is no valid JSON: the schema then names the part. Errors: `CHECKPOINT_INVALID`. */
function parseJson(path: string, key: string, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const flaw = findFlaw(text, PART_LIMITS);
  if (flaw) throw damaged(path, `"${key}" with ${flaw.expected}`, flaw.found);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function damaged(path: string, expected: string, found: string | undefined): Cifar10Error {
  return new Cifar10Error('CHECKPOINT_INVALID', {
    what: `checkpoint "${path}" has damaged metadata`,
    expected,
    found,
    nextStep: 'copy the file again, or train a new checkpoint',
  });
}
