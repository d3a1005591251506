// Owns every call to Python: where an installed PyTorch lies, and fetching its wheel with pip.
// Must not import torch in Python, which takes seconds, nor unpack anything.
import { spawn, spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AbortError, Cifar10Error } from '../errors.js';
import { BUILD_VERSION } from './version.js';

/** PyTorch's own index of a variant: its wheels, and for CUDA those of NVIDIA that they need. */
const indexOf = (variant: string) => `https://download.pytorch.org/whl/${variant}`;
/** What PyPI has for Linux on x64 under the bare version, by the variant in the wheel itself. */
const PYPI_VARIANTS = ['cpu', 'cu130']; // cpu: on mirrors, and for other processors
/** Where CUDA cannot be had: it comes with pip alone. */
const FOR_THE_PROCESSOR = 'run `npx cifar10-torch install-runtime --variant cpu`';
const PROBE_TIMEOUT_MS = 20_000;

// The empty entry is the current folder: a folder named torch there is not PyTorch.
const PROBE = `
import importlib.util, os, sys
sys.path[:] = [p for p in sys.path if p]
spec = importlib.util.find_spec('torch')
print(os.path.dirname(spec.origin) if spec and spec.origin else '')`;

/** Folder of the PyTorch that this user's Python would import; `undefined` without Python or PyTorch. */
export function findPythonTorch(): string | undefined {
  for (const python of pythonCandidates()) {
    const { status, stdout } = probe(python, PROBE);
    if (status === 0) return stdout.trim() || undefined;
  }
  return undefined;
}

export interface PipOptions {
  signal: AbortSignal;
  onMessage: (line: string) => void;
}

/**
 * Downloads the wheel of PyTorch's build version into `folder` and returns its path; nothing is installed.
 * Which variant it is its content tells: an index may have another one under the same name.
 * Errors: `PYTHON_NOT_FOUND` without Python or pip, `LIBTORCH_DOWNLOAD_FAILED`, `ABORTED`.
 */
export async function downloadWheel(folder: string, variant: string, options: PipOptions): Promise<string> {
  const attempts = [[`torch==${BUILD_VERSION}+${variant}`, '--extra-index-url', indexOf(variant)]];
  if (PYPI_VARIANTS.includes(variant)) attempts.push([`torch==${BUILD_VERSION}`]);
  const python = findPythonWithPip(variant);
  let reason = '';
  for (const requirement of attempts) {
    const pip = await runPip(python, folder, ['--no-deps', ...requirement], options);
    const [wheel] = await listWheels(folder);
    if (pip.exitCode === 0 && wheel !== undefined) return wheel;
    reason = pip.lastError;
  }
  throw notDownloaded(`torch ${BUILD_VERSION} (${variant})`, variant, reason);
}

/**
 * Downloads these packages and what they need into `folder` and returns the paths of their wheels.
 * Errors: as `downloadWheel`.
 */
export async function downloadPackages(
  folder: string,
  requirements: readonly string[],
  variant: string,
  options: PipOptions,
): Promise<string[]> {
  const words = [...requirements, '--extra-index-url', indexOf(variant)];
  const pip = await runPip(findPythonWithPip(variant), folder, words, options);
  if (pip.exitCode !== 0) throw notDownloaded('the NVIDIA packages it needs', variant, pip.lastError);
  return listWheels(folder);
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

/** `PYTHON` names the one to use; otherwise the usual names are tried. */
function pythonCandidates(): string[] {
  return process.env.PYTHON ? [process.env.PYTHON] : ['python3', 'python'];
}

function probe(python: string, script: string) {
  return spawnSync(python, ['-c', script], { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS });
}

function findPythonWithPip(variant: string): string {
  const candidates = pythonCandidates();
  const python = candidates.find((name) => probe(name, 'import pip').status === 0);
  if (python !== undefined) return python;
  const withoutPip = candidates.find((name) => probe(name, '').status === 0);
  throw new Cifar10Error('PYTHON_NOT_FOUND', {
    what: 'LibTorch cannot be fetched with pip',
    expected: `Python 3 with pip as ${candidates.join(' or ')}`,
    found: withoutPip === undefined ? 'no Python' : `${withoutPip} without pip`,
    nextStep:
      'install Python 3 with pip (Debian: `apt install python3-pip`), or set PYTHON to its path' +
      (variant === 'cpu' ? '' : `, or ${FOR_THE_PROCESSOR}`),
  });
}

interface PipResult {
  exitCode: number | null;
  /** pip's last line on stderr that names an error. */
  lastError: string;
}

function runPip(
  python: string,
  folder: string,
  requirement: readonly string[],
  { signal, onMessage }: PipOptions,
): Promise<PipResult> {
  // Few retries: an index that cannot be reached shall not hold up one that can.
  const options = ['--no-input', '--only-binary=:all:', '--no-cache-dir', '--retries', '1'];
  const args = ['-m', 'pip', 'download', ...options, '--timeout', '15', '--dest', folder, ...requirement];
  return new Promise((resolve, reject) => {
    // pip's temporary files go to the disk that must have room for the wheel anyway.
    const env = { ...process.env, TMPDIR: folder, PIP_DISABLE_PIP_VERSION_CHECK: '1' };
    const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'pipe'], env, signal });
    let lastError = 'no reason given';
    createInterface(child.stdout).on('line', (line) => {
      if (/^\s*(Downloading|Processing) /.test(line)) onMessage(`pip: ${line.trim()}`);
    });
    createInterface(child.stderr).on('line', (line) => {
      if (line.startsWith('ERROR')) lastError = line;
    });
    child.on('error', (error) => {
      if (!signal.aborted) reject(error);
    });
    // Only now is pip gone, so that its folder can be removed.
    child.on('close', (exitCode) => {
      if (signal.aborted) reject(new AbortError('the download of LibTorch stopped', signal.reason));
      else resolve({ exitCode, lastError });
    });
  });
}
