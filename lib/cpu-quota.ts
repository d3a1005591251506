// Owns reading how much processor time the control groups of this process allow, version 1 or 2.
// Must not count cores.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** In cores, such as 1.5; `undefined` without a limit. The tightest of the process's group and all above it counts. */
export function readCpuQuota(root = '/sys/fs/cgroup', membership = '/proc/self/cgroup'): number | undefined {
  const quotas = (readSystemFile(membership) ?? '')
    .split('\n')
    .flatMap((line) => foldersOf(root, line))
    .map(quotaOf)
    .filter((quota) => quota !== undefined);
  return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

/** The folders that may hold limits for a line `id:controllers:path`; in a container the path may be the host's. */
function foldersOf(root: string, line: string): string[] {
  const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
  if (controllers === undefined || path === undefined) return [];
  if (controllers !== '' && !controllers.split(',').includes('cpu')) return [];
  const folders = [path];
  for (let folder = path; folder !== '/'; folder = dirname(folder)) folders.push(dirname(folder));
  return folders.map((folder) => join(root, controllers, folder));
}

/** `max`, in version 1 -1, means no limit. */
function quotaOf(folder: string): number | undefined {
  const [quota, period] = readSystemFile(join(folder, 'cpu.max'))?.split(' ') ?? [
    readSystemFile(join(folder, 'cpu.cfs_quota_us')),
    readSystemFile(join(folder, 'cpu.cfs_period_us')),
  ];
  const cores = Number(quota) / Number(period);
  return cores > 0 && Number.isFinite(cores) ? cores : undefined;
}

/** A text that the system offers; `undefined` where it does not. */
export function readSystemFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
