// How many threads a training gets: on machines described by the files of /proc and /sys that tell.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { usableCores } from '../../lib/cores.js';
import { readCpuQuota } from '../../lib/cpu-quota.js';
import { temporaryFolder } from '../support.js';

function writeFiles(folder: string, files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

describe('usable cores', () => {
  /** Eight processors on four cores, of which `allowed` may be used. */
  const machine = (allowed: string, files: Record<string, string> = {}) => {
    const siblings = Array.from({ length: 8 }, (_, id) => [
      `sys/devices/system/cpu/cpu${id}/topology/thread_siblings_list`,
      `${id % 4},${(id % 4) + 4}\n`,
    ]);
    const status = `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${allowed}\nMems_allowed_list:\t0\n`;
    return writeFiles(temporaryFolder(), {
      'proc/self/status': status,
      'proc/self/cgroup': '0::/\n',
      ...Object.fromEntries(siblings),
      ...files,
    });
  };

  test.each([
    ['0-7', 4], // two processors a core
    ['0-3', 4],
    ['0,4', 1],
    ['1-2,5,7', 3],
    ['3', 1],
  ])('of the processors %s are %d', (allowed, cores) => {
    expect(usableCores(machine(allowed))).toBe(cores);
  });

  test.each([
    ['max 100000\n', 4],
    ['800000 100000\n', 4],
    ['150000 100000\n', 2],
    ['50000 100000\n', 1],
  ])('with a quota of %j are %d', (quota, cores) => {
    expect(usableCores(machine('0-7', { 'sys/fs/cgroup/cpu.max': quota }))).toBe(cores);
  });

  test('processors of which nothing is told are cores', () => {
    const status = { 'proc/self/status': 'Cpus_allowed_list:\t0-2\n' };
    expect(usableCores(writeFiles(temporaryFolder(), status))).toBe(3);
    expect(usableCores('/nonexistent')).toBeGreaterThanOrEqual(1);
  });
});

describe('control groups', () => {
  function quota(membership: string, files: Record<string, string>): number | undefined {
    const folder = writeFiles(temporaryFolder(), { membership });
    writeFiles(join(folder, 'root'), files);
    return readCpuQuota(join(folder, 'root'), join(folder, 'membership'));
  }

  test('version 2: the tightest limit on the way up counts', () => {
    const files = {
      'a/b/cpu.max': 'max 100000\n',
      'a/cpu.max': '150000 100000\n',
      'cpu.max': '400000 100000\n',
    };
    expect(quota('0::/a/b\n', files)).toBe(1.5);
    expect(quota('0::/\n', { 'cpu.max': 'max 100000\n' })).toBeUndefined();
  });

  test('version 1: the group of the controller cpu', () => {
    const files = (text: string) => ({
      'cpu,cpuacct/cpu.cfs_quota_us': text,
      'cpu,cpuacct/cpu.cfs_period_us': '100000\n',
    });
    const membership = '5:memory:/x\n4:cpu,cpuacct:/docker/of-the-host\n';
    expect(quota(membership, files('200000\n'))).toBe(2);
    expect(quota(membership, files('-1\n'))).toBeUndefined();
  });

  test('no files, no limit', () => {
    expect(readCpuQuota('/nonexistent', '/nonexistent')).toBeUndefined();
  });
});
