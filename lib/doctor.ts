// Owns the checks of this machine and installation that `cifar10-torch doctor` prints.
// Must not change anything nor touch the network; a failing check is a result, never an exception.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { cacheRoot } from './cache.js';
import { Cifar10Error, errorMessage } from './errors.js';
import { assertPlatformSupported, currentPlatform, locateLibtorch } from './libtorch/index.js';
import { findAddon, loadNative } from './native.js';

const GIB = 2 ** 30;
const OLDEST_NODE = '20.19';
const ENOUGH_MEMORY_BYTES = 4 * GIB; // the default recipe peaks below
const ENOUGH_DISK_BYTES = 2 * GIB; // LibTorch, its archive and CIFAR-10

export interface DoctorCheck {
  name: string;
  status: 'ok' | 'warning' | 'failure';
  /** What was found, in words. */
  found: string;
  /** One action that mends it. */
  nextStep?: string | undefined;
}

export interface DoctorReport {
  /** Whether no check is a failure; warnings do not count. */
  isHealthy: boolean;
  checks: DoctorCheck[];
}

/** Checks all that training needs; loads the addon into this thread. Never rejects. */
export async function doctor(): Promise<DoctorReport> {
  const checks = [
    check('Node.js', checkNode),
    check('platform', checkPlatform),
    check('processor', checkProcessor),
    check('memory', checkMemory),
    check('cache folder', checkCacheFolder),
    check('disk space', checkDiskSpace),
    check('LibTorch', checkLibtorch),
    check('addon', findAddon),
    check('addon loads', () => `with ${Object.keys(loadNative()).length} exports`),
    check('CUDA driver', checkCuda),
  ];
  return { isHealthy: checks.every(({ status }) => status !== 'failure'), checks };
}

/** A text means ok. */
type Finding = string | Omit<DoctorCheck, 'name'>;

function check(name: string, find: () => Finding): DoctorCheck {
  try {
    const finding = find();
    return typeof finding === 'string' ? { name, status: 'ok', found: finding } : { name, ...finding };
  } catch (error) {
    if (!(error instanceof Cifar10Error)) return { name, status: 'failure', found: errorMessage(error) };
    return {
      name,
      status: 'failure',
      found: `${error.code}: ${withoutNextStep(error)}`,
      nextStep: error.nextStep,
    };
  }
}

function withoutNextStep({ message, nextStep }: Cifar10Error): string {
  return nextStep === undefined ? message : message.replace(`. Next step: ${nextStep}`, '');
}

function checkNode(): Finding {
  const found = process.versions.node;
  if (found.localeCompare(OLDEST_NODE, 'en', { numeric: true }) >= 0) return found;
  return { status: 'failure', found, nextStep: `install Node.js ${OLDEST_NODE} or newer` };
}

function checkPlatform(): Finding {
  assertPlatformSupported();
  const { os, arch, glibcVersion } = currentPlatform();
  return `${os} ${arch}, glibc ${glibcVersion}`;
}

/** Without bf16 instructions the processor emulates them, slower than float32. */
function checkProcessor(): Finding {
  const cores = `${availableParallelism()} cores`;
  const flags = processorFlags();
  const bf16 = ['amx_bf16', 'avx512_bf16', 'bf16'].filter((flag) => flags.has(flag));
  if (bf16.length > 0) return `${cores}, ${bf16.join(', ')}`;
  return {
    status: 'warning',
    found: `${cores}, no bf16 instructions`,
    nextStep: 'train with `training.precision=fp32`, unless a CUDA device is used',
  };
}

/** x86 names the line `flags`, arm64 `Features`. */
function processorFlags(): Set<string> {
  if (!existsSync('/proc/cpuinfo')) return new Set();
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  return new Set(line.trim().split(/\s+/));
}

function checkMemory(): Finding {
  // In a container the limit of the control group counts; 0 and huge values mean none.
  const limit = process.constrainedMemory();
  const sizeBytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  if (sizeBytes >= ENOUGH_MEMORY_BYTES) return gib(sizeBytes);
  return { status: 'warning', found: gib(sizeBytes), nextStep: 'lower `data_loading.batch_size`' };
}

function checkCacheFolder(): Finding {
  const folder = cacheRoot();
  const parent = nearestExisting(folder);
  if (statSync(parent).isDirectory() && isWritable(parent)) return folder;
  const nextStep = 'set CIFAR10_TORCH_CACHE to a folder that this user may write to';
  return { status: 'failure', found: `"${folder}" is not writable`, nextStep };
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function checkDiskSpace(): Finding {
  const { bavail, bsize } = statfsSync(nearestExisting(cacheRoot()));
  const found = `${gib(bavail * bsize)} free for "${cacheRoot()}"`;
  if (bavail * bsize >= ENOUGH_DISK_BYTES) return found;
  const nextStep = 'free some space or set CIFAR10_TORCH_CACHE to a folder on another disk';
  return { status: 'warning', found, nextStep };
}

/** The folder itself is only made by what is first written to it. */
function nearestExisting(folder: string): string {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}

function checkLibtorch(): Finding {
  const { path, version, variant, source } = locateLibtorch();
  return `${version} (${variant}) from the ${source}: ${path}`;
}

/** Optional, so that its absence is no warning. */
function checkCuda(): Finding {
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8', timeout: 10_000 });
  if (status === 0) return stdout.trim().split('\n').join('; ');
  return existsSync('/proc/driver/nvidia/version') ? 'present' : 'none: training uses the processor';
}

function gib(sizeBytes: number): string {
  return `${(sizeBytes / GIB).toFixed(1)} GiB`;
}
