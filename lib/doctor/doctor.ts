// Owns the list of checks of this machine and installation that `cifar10-torch doctor` prints.
// Must not change anything, touch the network or load native code into this process; a failing check is a result.
import { currentPlatform, findDriver, variantFor } from '../libtorch/index.js';
import { describeAddon, inspectAddon } from './addon.js';
import { checkCacheFolder } from './cache-folder.js';
import { check, type DoctorCheck } from './check.js';
import { checkCuda } from './cuda.js';
import { checkDataset } from './dataset.js';
import { checkDiskSpace } from './disk-space.js';
import { describeLibtorch, findLibtorch } from './libtorch.js';
import { checkMemory } from './memory.js';
import { checkProcessor } from './processor.js';
import { judgeLibc, judgeNode, judgePlatform } from './system.js';
import { checkThreads } from './threads.js';
import { describeTrial, tryAddon } from './trial.js';

const PROBE_TIMEOUT_MS = 60_000; // a cold start of a CUDA LibTorch reads gigabytes
const LOADER_TIMEOUT_MS = 20_000; // a few kilobytes
const NVIDIA_TIMEOUT_MS = 10_000;

/**
 * How long the checks may take.
 *
 * @category Diagnostics
 */
export interface DoctorOptions {
  /** Stops what still runs; its checks then fail. */
  signal?: AbortSignal | undefined;
  /** How many milliseconds the addon may take to load and to train one step, in a child process. Default: 60,000. */
  probeTimeoutMs?: number | undefined;
}

/**
 * What all checks found.
 *
 * @category Diagnostics
 */
export interface DoctorReport {
  /** Whether no check is a failure; warnings do not count. */
  isHealthy: boolean;
  /** The system first, then what builds on it. */
  checks: DoctorCheck[];
}

/**
 * Checks all that training needs: system, memory, disk, dataset, addon, LibTorch, GPU. Changes nothing and touches no
 * network. Never rejects; the time it takes is bounded.
 *
 * @category Diagnostics
 */
export async function doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
  const { signal, probeTimeoutMs: timeoutMs = PROBE_TIMEOUT_MS } = options;
  const addon = inspectAddon({ signal, timeoutMs: LOADER_TIMEOUT_MS });
  const libtorch = findLibtorch(addon);
  const trial = tryAddon(addon, libtorch, { signal, timeoutMs });
  const answer = trial.then((result) => (result.isOk ? result.answer : undefined));
  const platform = currentPlatform();
  const checks = await Promise.all([
    check('Node.js', () => judgeNode(process.versions.node)),
    check('platform', () => judgePlatform(platform)),
    check('C library', () => judgeLibc(platform)),
    check('processor', checkProcessor),
    check('threads', async () => checkThreads((await answer)?.threads)),
    check('memory', checkMemory),
    check('disk space', async () => checkDiskSpace(await missingLibtorch(libtorch, signal))),
    check('cache folder', checkCacheFolder),
    check('dataset', checkDataset),
    check('addon', async () => describeAddon(await addon)),
    check('LibTorch', async () => describeLibtorch(await libtorch, await known(addon))),
    check('addon loads', async () => describeTrial(await trial)),
    check('CUDA', async () =>
      checkCuda(await known(libtorch), await answer, { signal, timeoutMs: NVIDIA_TIMEOUT_MS }),
    ),
  ]);
  return { isHealthy: checks.every(({ status }) => status !== 'failure'), checks };
}

/** What `install-runtime` would install. */
async function missingLibtorch(libtorch: Promise<unknown>, signal: AbortSignal | undefined) {
  if ((await known(libtorch)) !== undefined) return 'nothing';
  return variantFor(await findDriver(signal)) === 'cpu' ? 'cpu' : 'cuda';
}

/** What one check found out, for another that has something to say without it. */
function known<Value>(value: Promise<Value>): Promise<Value | undefined> {
  return value.catch(() => undefined);
}
