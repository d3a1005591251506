// Owns finding NVIDIA's driver: by what the kernel shows of it, and by nvidia-smi. Must not load CUDA nor judge the driver.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildResult } from '../child.js';
import { NO_DEVICES, queryGpus } from './nvidia-smi.js';

/** Of a driver that is loaded, whether or not it can be used from here. */
export const DRIVER_FILE = '/proc/driver/nvidia/version';
/**
 * Files that are all there where a driver can be used, for Linux and for WSL 2. The driver's own file under /proc shows in
 * every container of its host, and WSL's device on every machine with Windows, whatever its GPU is.
 */
const USABLE_DRIVERS = [['/dev/nvidiactl'], ['/dev/dxg', '/usr/lib/wsl/lib/libcuda.so.1']];
const QUERY_TIMEOUT_MS = 10_000;

export interface Driver {
  /** `undefined` where it is there and does not say. */
  version: string | undefined;
  /** Compute capability, such as `8.6`, of each GPU whose is known. */
  gpus: readonly number[];
}

/** What the kernel shows of a driver that can be used, without starting a program. `root` is for tests. */
export function peekDriver(root = '/'): Driver | undefined {
  const isUsable = USABLE_DRIVERS.some((paths) => paths.every((path) => existsSync(join(root, path))));
  return isUsable ? { version: readDriverFile(root), gpus: [] } : undefined;
}

/** The driver and its GPUs as nvidia-smi tells them or, where it does not, the driver that has a device. */
export async function findDriver(signal: AbortSignal | undefined): Promise<Driver | undefined> {
  const answer = await queryGpus(['driver_version'], { timeoutMs: QUERY_TIMEOUT_MS, signal });
  if (saysNoDevices(answer)) return undefined;
  const { end, stdout } = answer;
  const told = end.kind === 'exited' && end.exitCode === 0 ? parseQuery(stdout) : undefined;
  return told ?? peekDriver();
}

function saysNoDevices({ end, stdout }: ChildResult): boolean {
  if (end.kind !== 'exited') return false;
  return (
    end.exitCode === NO_DEVICES || (end.exitCode === 0 && /^(No devices were found)?$/.test(stdout.trim()))
  );
}

/** Reads the lines `driver version, compute capability`, one a GPU; old drivers do not tell the last one. */
export function parseQuery(csv: string): Driver | undefined {
  const rows = csv.split('\n').flatMap((line) => {
    const [, version, capability] = /^\s*(\d+(?:\.\d+)+)(?:, (.+))?$/.exec(line) ?? [];
    return version === undefined ? [] : [{ version, gpu: Number(capability) }];
  });
  const gpus = rows.map(({ gpu }) => gpu).filter((gpu) => Number.isFinite(gpu));
  return rows[0] && { version: rows[0].version, gpus };
}

/** The version in the text of the driver's file under /proc. */
export function parseDriverFile(text: string): string | undefined {
  return /^NVRM version: .*?\s(\d{3,}(?:\.\d+)+)\s/m.exec(text)?.[1];
}

function readDriverFile(root: string): string | undefined {
  try {
    return parseDriverFile(readFileSync(join(root, DRIVER_FILE), 'utf8'));
  } catch {
    return undefined;
  }
}
