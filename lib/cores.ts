// Owns how many threads of computation this process has use for.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readCpuQuota, readSystemFile } from './cpu-quota.js';

/**
 * Physical cores among the processors that the process may run on, which `taskset` and containers narrow: two hardware
 * threads of one core would only share its vector units. No more than the control groups' share of time comes to (`docker
 * run --cpus`), rounded up: with many more, threads would be stopped in the middle of operations all the time.
 * `root`: the folder with `proc` and `sys`; what cannot be read there bounds nothing.
 */
export function usableCores(root = '/'): number {
  const quota = readCpuQuota(join(root, 'sys/fs/cgroup'), join(root, 'proc/self/cgroup'));
  return Math.max(1, Math.min(physicalCores(root), Math.ceil(quota ?? Infinity)));
}

function physicalCores(root: string): number {
  const processors = allowedProcessors(root);
  if (processors === undefined) return availableParallelism();
  // Processors of one core list the same siblings.
  const siblings = (id: number) => `sys/devices/system/cpu/cpu${id}/topology/thread_siblings_list`;
  return new Set(processors.map((id) => readSystemFile(join(root, siblings(id))) ?? `alone ${id}`)).size;
}

/** `undefined` where the system does not tell. */
function allowedProcessors(root: string): number[] | undefined {
  const status = readSystemFile(join(root, 'proc/self/status')) ?? '';
  const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(status)?.[1]; // 0-3,8
  return list?.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}
