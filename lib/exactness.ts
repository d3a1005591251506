// Owns what decides about every bit of a training beside its data: settings, versions, the kind of machine. Must not
// know runs.
import type { CheckpointMeta } from './checkpoint/index.js';
import { configToSnake } from './config/index.js';
import { flatten } from './flatten.js';
import { loadNative } from './native.js';
import type { NativeConfig } from './native-addon.js';
import { VERSION } from './version.js';

/** What a training that goes on finds to be another. */
export interface Change {
  /** `training.threads`, `LibTorch`… */
  readonly name: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** Settings that change no weight and no figure. */
const HARMLESS = /^(?:output_dir|data_loading\.data_dir|training\.checkpoint\..+)$/;

/** Where a training runs, for its checkpoints: what its configuration leaves to the machine, and the machine. */
export function environmentOf({ training }: NativeConfig): Record<string, string | number> {
  const { device, threads, precision, evalPrecision } = training;
  const { cpuCapability, canRunOwnKernels } = loadNative().runtimeInfo();
  const own = Object.entries(canRunOwnKernels).flatMap(([name, can]) => (can ? [name] : []));
  return {
    'training.device': device,
    'training.threads': threads,
    'training.precision': precision,
    'training.eval_precision': evalPrecision,
    processor: [cpuCapability, ...own].join(', '),
  };
}

/** Of what computes, for checkpoints. */
export function versionsNow(): Record<string, string> {
  return { 'cifar10-torch': VERSION, libtorch: loadNative().runtimeInfo().builtForLibtorch };
}

/** What is another than when the checkpoint was written. */
export function changesSince(
  { config, environment = {}, versions }: CheckpointMeta,
  now: NativeConfig,
): Change[] {
  const before = new Map([...flatten(config), ...Object.entries({ ...environment, ...versions })]);
  const after = new Map([
    ...flatten(configToSnake(now)),
    ...Object.entries({ ...environmentOf(now), ...versionsNow() }),
  ]);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => !HARMLESS.test(name))
    .map((name) => ({ name, before: before.get(name), now: after.get(name) }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.now));
}

/** `training.threads: 4, now 2` */
export function describeChange({ name, before, now }: Change): string {
  const text = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));
  return `${name}: ${text(before)}, now ${text(now)}`;
}
