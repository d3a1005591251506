// Owns finding NVIDIA's driver: by what the kernel shows of it, and by nvidia-smi. Must not load CUDA nor judge the driver.
import { existsSync, readFileSync } from 'node:fs';
import { runChild } from '../child.js';

const DRIVER_FILE = '/proc/driver/nvidia/version';
/** Of the driver, and of a Windows host under WSL 2. A container that was given no GPU lacks them. */
const DEVICE_FILES = ['/dev/nvidiactl', '/dev/dxg'];
const QUERY = ['--query-gpu=driver_version,compute_cap', '--format=csv,noheader'];
const QUERY_TIMEOUT_MS = 10_000;

export interface Driver {
  /** `undefined` where it is there and does not say. */
  version: string | undefined;
  /** Compute capability of the newest GPU, `8.6`; `undefined` where nobody says. */
  gpu: number | undefined;
}

/** What the kernel shows of the driver, without starting a program. */
export function peekDriver(): Driver | undefined {
  const version = readDriverFile();
  const isThere = version !== undefined || DEVICE_FILES.some((path) => existsSync(path));
  return isThere ? { version, gpu: undefined } : undefined;
}

/** The driver and its GPUs as nvidia-smi tells them or, where it does not, the driver that has a device. */
export async function findDriver(signal: AbortSignal | undefined): Promise<Driver | undefined> {
  const { end, stdout } = await runChild('nvidia-smi', QUERY, { timeoutMs: QUERY_TIMEOUT_MS, signal });
  const answered = end.kind === 'exited' && end.exitCode === 0 ? parseQuery(stdout) : undefined;
  if (answered !== undefined) return answered;
  // The driver of its host shows in a container too.
  return DEVICE_FILES.some((path) => existsSync(path)) ? peekDriver() : undefined;
}

/** Reads the lines `driver version, compute capability`, one a GPU. */
export function parseQuery(csv: string): Driver | undefined {
  const rows = csv.split('\n').flatMap((line) => {
    const [, version, capability] = /^\s*(\d+(?:\.\d+)+), (.+?)\s*$/.exec(line) ?? [];
    return version === undefined ? [] : [{ version, gpu: Number(capability) }];
  });
  const [first] = rows;
  const gpus = rows.map(({ gpu }) => gpu).filter((gpu) => Number.isFinite(gpu));
  return first && { version: first.version, gpu: gpus.length > 0 ? Math.max(...gpus) : undefined };
}

/** The version in the text of the driver's file under /proc. */
export function parseDriverFile(text: string): string | undefined {
  return /^NVRM version: .*?\s(\d{3,}(?:\.\d+)+)\s/m.exec(text)?.[1];
}

function readDriverFile(): string | undefined {
  try {
    return parseDriverFile(readFileSync(DRIVER_FILE, 'utf8'));
  } catch {
    return undefined;
  }
}
