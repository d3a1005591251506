import { chmodSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { CIFAR10, filesOf } from '../../../lib/dataset/index.js';
import { type DoctorCheck, type DoctorOptions, doctor } from '../../../lib/doctor/index.js';
import { locateLibtorch } from '../../../lib/libtorch/index.js';
import { temporaryFolder } from '../../support.js';
import { libtorchFiles, without, writeFiles } from '../libtorch/fakes.js';
import { writeFakeLibtorch } from './fake-libraries.js';

const REAL_LIBTORCH = locateLibtorch().path;

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv('LIBTORCH', join(folder, 'none'));
  vi.stubEnv('CIFAR10_TORCH_CACHE', join(folder, 'cache'));
  for (const name of ['OMP_NUM_THREADS', 'OMP_THREAD_LIMIT', 'CUDA_VISIBLE_DEVICES'])
    vi.stubEnv(name, undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
});

async function checksOf(options?: DoctorOptions): Promise<Record<string, DoctorCheck>> {
  const { checks } = await doctor(options);
  return Object.fromEntries(checks.map((check) => [check.name, check]));
}

/** The checks with a fake LibTorch whose opening runs `body`. */
function checksWith(body: string, options?: DoctorOptions): Promise<Record<string, DoctorCheck>> {
  vi.stubEnv('LIBTORCH', writeFakeLibtorch(join(folder, 'fake'), body));
  return checksOf(options);
}

test('the machine is described, every problem has a next step, and nothing is created', async () => {
  const checks = await checksOf();
  expect(Object.keys(checks)).toEqual([
    'Node.js',
    'platform',
    'C library',
    'processor',
    'threads',
    'memory',
    'disk space',
    'cache folder',
    'dataset',
    'addon',
    'LibTorch',
    'addon loads',
    'CUDA',
  ]);
  expect(checks['Node.js']?.found).toBe(process.versions.node);
  expect(checks.platform?.found).toMatch(/^linux (x64|arm64)$/);
  expect(checks['C library']?.found).toMatch(/^glibc 2\.\d+$/);
  expect(checks.processor?.found).toMatch(/, \d+ cores?: /);
  expect(checks['disk space']?.found).toMatch(/^\d+\.\d GiB free/);
  for (const { status, nextStep } of Object.values(checks))
    expect(nextStep === undefined).toBe(status === 'ok');
  expect(readdirSync(folder)).toEqual([]);
});

describe('the addon and LibTorch', () => {
  test('the real ones are named and train one step in a child process', async () => {
    vi.stubEnv('LIBTORCH', REAL_LIBTORCH);
    const { addon, LibTorch, 'addon loads': trial, threads } = await checksOf();
    expect(addon).toMatchObject({ status: 'ok', details: { path: expect.stringMatching(/\.node$/) } });
    expect(LibTorch).toMatchObject({
      status: 'ok',
      found: expect.stringMatching(/^2\.\d+\.\d+ \(\w+\) from the environment, fits the addon: \//),
      details: { path: REAL_LIBTORCH, source: 'environment', isFit: true },
    });
    expect(trial).toMatchObject({
      status: 'ok',
      found: expect.stringMatching(/^trained one step on (cpu|cuda:0) with \w+ kernels, \d+ threads?$/),
      details: { builtForLibtorch: addon?.details?.builtForLibtorch, hasCuda: expect.any(Boolean) },
    });
    expect(threads?.details?.trainingThreads).toBe(trial?.details?.threads);
  });

  test('no native code gets into this process', async () => {
    vi.stubEnv('LIBTORCH', REAL_LIBTORCH);
    await doctor();
    const report = process.report?.getReport() as { sharedObjects: string[] };
    expect(report.sharedObjects.filter((path) => /torch|cifar10/.test(path))).toEqual([]);
  });

  test('a missing LibTorch is a failure with code and next step; the addon is then not tried', async () => {
    const { isHealthy, checks } = await doctor();
    expect(isHealthy).toBe(false);
    const [libtorch, trial] = ['LibTorch', 'addon loads'].map((name) => checks.find((c) => c.name === name));
    expect(libtorch).toMatchObject({
      status: 'failure',
      found: `"${join(folder, 'none')}" lacks the file lib/libc10.so`,
      nextStep: expect.stringContaining('install-runtime'),
      details: { code: 'LIBTORCH_NOT_FOUND' },
    });
    expect(trial).toMatchObject({
      status: 'failure',
      found: expect.stringMatching(/^not tried/),
      nextStep: libtorch?.nextStep,
    });
  });

  test('a LibTorch without a library names it', async () => {
    vi.stubEnv('LIBTORCH', writeFiles(folder, without(libtorchFiles(), 'lib/libtorch.so')));
    expect((await checksOf()).LibTorch?.found).toBe(`"${folder}" lacks the file lib/libtorch.so`);
  });

  test('a LibTorch of another version does not fit', async () => {
    vi.stubEnv('LIBTORCH', writeFiles(join(folder, 'other'), libtorchFiles('2.11.0+cpu')));
    const { LibTorch } = await checksOf();
    expect(LibTorch).toMatchObject({
      status: 'failure',
      found: expect.stringMatching(/does not fit the addon: .*found 2\.11\.0$/),
      details: { code: 'LIBTORCH_VERSION' },
    });
  });

  test('files that are no libraries are a failure with the words of the linker', async () => {
    vi.stubEnv('LIBTORCH', writeFiles(folder, libtorchFiles()));
    const { LibTorch, 'addon loads': trial } = await checksOf();
    expect(LibTorch?.status).toBe('ok');
    expect(trial).toMatchObject({
      status: 'failure',
      found: expect.stringMatching(/libgomp.*(too short|invalid ELF header)/),
      nextStep: expect.stringContaining('leave out LIBTORCH'),
      details: { code: 'LIBTORCH_LOAD_FAILED' },
    });
  });
});

describe('a LibTorch that misbehaves is a finding', () => {
  test.each([
    ['abort();', 'was killed by SIGABRT'],
    ['*(volatile int*)0 = 1;', 'was killed by SIGSEGV'],
    ['__builtin_trap();', 'was killed by SIG'],
    ['_exit(3);', 'ended with exit code 3'],
    ['fputs("Error: no luck\\n", stderr); _exit(3);', 'ended with exit code 3 (Error: no luck)'],
    ['puts("rubbish"); fflush(stdout); _exit(0);', 'printed "rubbish" instead of its answer'],
    ['_exit(0);', 'printed nothing instead of its answer'],
    ['return;', 'cannot be loaded'],
  ])('%s: %s', async (body, expected) => {
    const { 'addon loads': trial, LibTorch } = await checksWith(body);
    expect(LibTorch?.status).toBe('ok');
    expect(trial).toMatchObject({ status: 'failure', found: expect.stringContaining(expected) });
    expect(trial?.nextStep).toMatch(/install-runtime|ONEDNN_MAX_CPU_ISA|npx cifar10-torch build/);
  });

  test('one that hangs is given up after the timeout', async () => {
    const startedMs = performance.now();
    const { 'addon loads': trial } = await checksWith('for (;;) sleep(1);', { probeTimeoutMs: 2000 });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    expect(trial).toMatchObject({
      status: 'failure',
      found: expect.stringContaining('gave no answer within 2 s'),
      details: { end: { kind: 'timeout' } },
    });
  });

  test('one that prints without end is given up after the timeout', async () => {
    const { 'addon loads': trial } = await checksWith('for (;;) puts("rubbish");', { probeTimeoutMs: 2000 });
    expect(trial?.found).toContain('gave no answer within 2 s');
  });

  test('an abort of the signal ends the checks', async () => {
    const startedMs = performance.now();
    const { addon, 'addon loads': trial } = await checksWith('for (;;) sleep(1);', {
      signal: AbortSignal.timeout(2000),
    });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
    // Which of the two child processes it meets is a matter of the machine's speed.
    expect(`${addon?.found} ${trial?.found}`).toContain('was stopped');
  });

  test('a broken one in the cache is to be removed, as installing keeps what looks whole', async () => {
    vi.stubEnv('LIBTORCH', undefined);
    const path = writeFakeLibtorch(join(folder, 'cache/libtorch-2.13.0-cpu'), 'abort();');
    const { LibTorch, 'addon loads': trial } = await checksOf();
    expect(LibTorch?.details?.source).toBe('cache');
    expect(trial?.nextStep).toBe(`run \`rm -r "${path}" && npx cifar10-torch install-runtime\``);
  });
});

describe('OpenMP', () => {
  test('OMP_NUM_THREADS is named, and whether it limits training is measured', async () => {
    vi.stubEnv('LIBTORCH', REAL_LIBTORCH);
    vi.stubEnv('OMP_NUM_THREADS', '1');
    const { threads } = await checksOf();
    expect(threads?.found).toContain('OMP_NUM_THREADS=1');
    expect(threads?.details?.ompNumThreads).toBe('1');
  });
});

describe('a device that nvidia-smi lists', () => {
  async function judge(script: string) {
    writeFiles(folder, { 'bin/nvidia-smi': `#!/bin/sh\n${script}\n`, ...libtorchFiles() });
    chmodSync(join(folder, 'bin/nvidia-smi'), 0o755);
    vi.stubEnv('PATH', `${folder}/bin:${process.env.PATH}`);
    vi.stubEnv('LIBTORCH', folder);
    return (await checksOf()).CUDA;
  }

  test('is not used by a CPU LibTorch, which is a warning', async () => {
    expect(await judge("echo 'NVIDIA H100 80GB HBM3, 81559, 550.54.15, 9.0'")).toMatchObject({
      status: 'warning',
      found: expect.stringMatching(/^NVIDIA H100 80GB HBM3, 79\.6 GiB, driver 550\.54\.15; not used/),
      nextStep: 'set `LIBTORCH=<folder of a CUDA LibTorch>`',
    });
  });

  test('is named by an old driver too, which knows no compute capability', async () => {
    const script = `
      case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;; esac
      echo 'Tesla V100-SXM2-16GB, 16160, 470.42.01'`;
    expect(await judge(script)).toMatchObject({
      status: 'warning',
      found: expect.stringMatching(/^Tesla V100-SXM2-16GB, 15\.8 GiB, driver 470\.42\.01; not used/),
      nextStep: expect.stringContaining('update the NVIDIA driver'),
    });
  });
});

describe('the cache folder', () => {
  test('shows what takes how much room', async () => {
    const cache = writeFiles(join(folder, 'cache'), {
      'libtorch-2.13.0-cpu/lib/a.so': 'x'.repeat(3 << 19),
      'libtorch-2.13.0-cpu/include/b.h': '',
      'cifar10/part.bin': 'x'.repeat(2048),
      '.libtorch-download-12345678.zip.part': 'x'.repeat(10),
    });
    symlinkSync('/', join(cache, 'link'));
    expect((await checksOf())['cache folder']).toMatchObject({
      status: 'ok',
      found: expect.stringMatching(
        /^\S+, 1\.5 MiB: libtorch-2\.13\.0-cpu 1\.5 MiB, cifar10 2\.0 KiB, .*part \(unfinished\) 10 B, link 1 B$/,
      ),
      details: { path: cache, isWritable: true, isWhole: true, totalBytes: (3 << 19) + 2048 + 10 + 1 },
    });
  });

  test('that is not there yet is fine', async () => {
    expect((await checksOf())['cache folder']).toMatchObject({ status: 'ok', details: { totalBytes: 0 } });
  });

  test('below a file, or a link to nowhere, is a failure', async () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(join(folder, 'unmounted/disk'), join(folder, 'link'));
    for (const path of ['file/cache', 'link']) {
      vi.stubEnv('CIFAR10_TORCH_CACHE', join(folder, path));
      expect((await checksOf())['cache folder']).toMatchObject({
        status: 'failure',
        nextStep: expect.stringContaining('CIFAR10_TORCH_CACHE'),
      });
    }
  });
});

describe('the dataset', () => {
  const nextStep = 'run `npx cifar10-torch download`';

  /** Files of the right sizes that take no room on the disk. */
  function writeDataset(): string {
    const path = join(folder, 'cache/cifar10');
    mkdirSync(path, { recursive: true });
    for (const { name, sizeBytes } of filesOf(CIFAR10)) {
      writeFileSync(join(path, name), '');
      truncateSync(join(path, name), sizeBytes);
    }
    return path;
  }

  test('missing: a warning', async () => {
    expect((await checksOf()).dataset).toMatchObject({
      status: 'warning',
      nextStep,
      details: { state: 'missing' },
    });
  });

  test('with the right sizes: ok', async () => {
    const path = writeDataset();
    expect((await checksOf()).dataset).toMatchObject({
      status: 'ok',
      found: expect.stringContaining(path),
      details: { state: 'present', folder: path },
    });
  });

  test('with a file that was cut off: a failure that names it and both sizes', async () => {
    truncateSync(join(writeDataset(), 'data_batch_3.bin'), 1000);
    expect((await checksOf()).dataset).toMatchObject({
      status: 'failure',
      found: expect.stringContaining('data_batch_3.bin has 1000 bytes instead of 30730000'),
      nextStep,
      details: { state: 'broken' },
    });
  });
});
