// Owns fetching with pip: the wheel of PyTorch and the packages that it needs. Must not install nor unpack anything.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild } from '../child.js';
import { AbortError, Cifar10Error } from '../errors.js';
import { runGroup } from './process-group.js';
import { pythonCandidates, WITHOUT_CURRENT_FOLDER } from './python.js';
import { BUILD_VERSION } from './version.js';

/** PyTorch's own index of a variant: its wheels, and for CUDA those of NVIDIA that they need. */
const indexOf = (variant: string) => `https://download.pytorch.org/whl/${variant}`;
/** What PyPI has for Linux on x64 under the bare version, by the variant in the wheel itself. */
const PYPI_VARIANTS = ['cpu', 'cu130']; // cpu: on mirrors, and for other processors
/** Where CUDA cannot be had: it comes with pip alone. */
const FOR_THE_PROCESSOR = 'run `npx cifar10-torch install-runtime --variant cpu`';
const PROBE_TIMEOUT_MS = 20_000;

/** Runs pip, and ends it when the standard input ends: we are gone then, and it would go on for gigabytes. */
const RUN_PIP = `${WITHOUT_CURRENT_FOLDER}
import os, runpy, signal, threading
def follow():
    os.read(0, 1)
    os.killpg(0, signal.SIGTERM)
threading.Thread(target=follow, daemon=True).start()
runpy.run_module('pip', run_name='__main__', alter_sys=True)`;

export interface PipOptions {
  signal: AbortSignal;
  onMessage: (line: string) => void;
}

/** A Python that has pip, for fetching this variant. */
export interface Pip extends PipOptions {
  python: string;
  variant: string;
}

export interface Wheel {
  path: string;
  /** Whether it came from the indexes that the user's pip asks anyway, without PyTorch's own. */
  isOfUsersIndex: boolean;
}

/** Errors: `PYTHON_NOT_FOUND` without Python or pip, `ABORTED`. */
export async function findPip(variant: string, options: PipOptions): Promise<Pip> {
  const candidates = pythonCandidates();
  const python = await firstThatRuns(candidates, `${WITHOUT_CURRENT_FOLDER}import pip`, options.signal);
  if (python !== undefined) return { python, variant, ...options };
  const withoutPip = await firstThatRuns(candidates, '', options.signal);
  throw new Cifar10Error('PYTHON_NOT_FOUND', {
    what: 'LibTorch cannot be fetched with pip',
    expected: `Python 3 with pip as ${candidates.join(' or ')}`,
    found: withoutPip === undefined ? 'no Python' : `${withoutPip} without pip`,
    nextStep:
      'install Python 3 with pip (Debian: `apt install python3-pip`), or set PYTHON to its path' +
      (variant === 'cpu' ? '' : `, or ${FOR_THE_PROCESSOR}`),
  });
}

/**
 * Downloads the wheel of PyTorch's build version into `folder`.
 * Which variant it is its content tells: an index may have another one under the same name.
 * Errors: `LIBTORCH_DOWNLOAD_FAILED`, `ABORTED`.
 */
export async function downloadWheel(folder: string, pip: Pip): Promise<Wheel> {
  const { variant } = pip;
  const named = [`torch==${BUILD_VERSION}+${variant}`, ...ownIndex(variant)];
  const attempts = [{ words: named, isOfUsersIndex: false }];
  if (PYPI_VARIANTS.includes(variant))
    attempts.push({ words: [`torch==${BUILD_VERSION}`], isOfUsersIndex: true });
  let reason = '';
  for (const { words, isOfUsersIndex } of attempts) {
    const { exitCode, lastError } = await runPip(pip, folder, ['--no-deps', ...words]);
    const [path] = await listWheels(folder);
    if (exitCode === 0 && path !== undefined) return { path, isOfUsersIndex };
    reason = lastError;
  }
  throw notDownloaded(`torch ${BUILD_VERSION} (${variant})`, variant, reason);
}

/**
 * Downloads these packages and what they need into `folder` and returns the paths of their wheels; from where `wheel` came,
 * as an index that cannot be reached holds up pip for minutes.
 * Errors: as `downloadWheel`.
 */
export async function downloadPackages(
  folder: string,
  requirements: readonly string[],
  pip: Pip,
  { isOfUsersIndex }: Wheel,
): Promise<string[]> {
  const index = isOfUsersIndex ? [] : ownIndex(pip.variant);
  const { exitCode, lastError } = await runPip(pip, folder, [...requirements, ...index]);
  if (exitCode !== 0) throw notDownloaded('the NVIDIA packages it needs', pip.variant, lastError);
  return listWheels(folder);
}

function ownIndex(variant: string): string[] {
  return ['--extra-index-url', indexOf(variant)];
}

async function listWheels(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.whl')).map((name) => join(folder, name));
}

function notDownloaded(what: string, variant: string, found: string): Cifar10Error {
  const from = 'run `npx cifar10-torch install-runtime --from <archive>` with an archive fetched elsewhere';
  return new Cifar10Error('LIBTORCH_DOWNLOAD_FAILED', {
    what: `pip could not download ${what}`,
    found,
    nextStep: variant === 'cpu' ? from : `check the network and the proxy of pip, or ${FOR_THE_PROCESSOR}`,
  });
}

async function firstThatRuns(
  pythons: readonly string[],
  script: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const python of pythons) {
    // Not synchronous: meanwhile the lock must be refreshed.
    const { end } = await runChild(python, ['-c', script], { timeoutMs: PROBE_TIMEOUT_MS, signal });
    if (signal.aborted) throw stopped(signal);
    if (end.kind === 'exited' && end.exitCode === 0) return python;
  }
  return undefined;
}

interface PipResult {
  exitCode: number | null;
  /** pip's last line on stderr that names an error. */
  lastError: string;
}

async function runPip(
  { python, signal, onMessage }: Pip,
  folder: string,
  words: readonly string[],
): Promise<PipResult> {
  // Few retries: an index that cannot be reached shall not hold up one that can.
  const options = [
    '--no-input',
    '--only-binary=:all:',
    '--no-cache-dir',
    '--retries',
    '1',
    '--timeout',
    '15',
  ];
  let lastError = 'no reason given';
  const exitCode = await runGroup(
    python,
    ['-c', RUN_PIP, 'download', ...options, '--dest', folder, ...words],
    {
      // pip's temporary files go to the disk that must have room for the wheel anyway.
      env: { ...process.env, TMPDIR: folder, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
      signal,
      onStdout: (line) => {
        if (/^\s*(Downloading|Processing) /.test(line)) onMessage(`pip: ${line.trim()}`);
      },
      onStderr: (line) => {
        if (line.startsWith('ERROR')) lastError = line;
      },
    },
  ).catch((error) => {
    throw signal.aborted ? stopped(signal) : error;
  });
  if (signal.aborted) throw stopped(signal);
  return { exitCode, lastError };
}

function stopped(signal: AbortSignal): AbortError {
  return new AbortError('the download of LibTorch stopped', signal.reason);
}
