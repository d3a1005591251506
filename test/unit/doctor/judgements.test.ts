import { describe, expect, test } from 'vitest';
import { judgeAbsence, judgeDevices, parseDevices } from '../../../lib/doctor/cuda.js';
import { judgeProcessor, parseCpuInfo } from '../../../lib/doctor/processor.js';
import { judgeLibc, judgeNode, judgePlatform } from '../../../lib/doctor/system.js';
import { judgeThreads } from '../../../lib/doctor/threads.js';

describe('Node.js, platform and C library', () => {
  test.each([
    ['20.19.0', 'ok'],
    ['24.0.1', 'ok'],
    ['22.12.0', 'ok'],
    ['23.0.0', 'ok'],
    ['22.11.0', 'failure'],
    ['21.7.3', 'failure'],
    ['20.9.0', 'failure'],
    ['18.20.4', 'failure'],
  ])('Node.js %s: %s', (version, status) => {
    expect(judgeNode(version)).toMatchObject({ status });
  });

  test('glibc is named with its version; an old one and musl are failures', () => {
    const libc = (glibcVersion?: string) => judgeLibc({ os: 'linux', arch: 'x64', glibcVersion });
    expect(libc('2.36')).toMatchObject({ status: 'ok', found: 'glibc 2.36' });
    expect(() => libc('2.27')).toThrow(/glibc 2\.28 or newer, found glibc 2\.27/);
    expect(() => libc()).toThrow(/musl/);
  });

  test('the platform is judged without its C library', () => {
    expect(judgePlatform({ os: 'linux', arch: 'arm64', glibcVersion: undefined })).toMatchObject({
      status: 'ok',
    });
    expect(() => judgePlatform({ os: 'darwin', arch: 'arm64', glibcVersion: undefined })).toThrow(
      /found darwin/,
    );
  });
});

describe('the processor', () => {
  const cpuInfo = (flags: string) =>
    `processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Some Processor @ 2 GHz\nflags\t\t: fpu ${flags} ht\nvmx flags\t: vnmi\n\nprocessor\t: 1\nmodel name\t: Other\nflags\t\t: none\n`;
  const judge = (text: string, arch = 'x64') => judgeProcessor(parseCpuInfo(text), arch, 8);
  const AVX512 = 'avx2 fma avx512f avx512dq avx512bw avx512vl';

  test('with everything', () => {
    expect(judge(cpuInfo(`${AVX512} avx512_bf16 amx_bf16 amx_tile`))).toMatchObject({
      status: 'ok',
      found: 'Some Processor @ 2 GHz, 8 cores: AVX2, AVX-512, avx512_bf16, amx_bf16',
      details: { capabilities: { AVX2: true, 'AVX-512': true, avx512_bf16: true, amx_bf16: true } },
    });
  });

  test('without bf16: what training does', () => {
    expect(judge(cpuInfo(AVX512))).toMatchObject({
      status: 'ok',
      found: 'Some Processor @ 2 GHz, 8 cores: AVX2, AVX-512; no avx512_bf16, no amx_bf16; trains in float32',
    });
  });

  test('without AVX2: a warning of its own', () => {
    expect(judge(cpuInfo('avx'))).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('no AVX2, no AVX-512'),
      nextStep: expect.stringContaining('AVX2'),
    });
  });

  test('a part of AVX-512 is none', () => {
    expect(judge(cpuInfo('avx2 fma avx512f'))).toMatchObject({
      details: { capabilities: { 'AVX-512': false } },
    });
  });

  test('arm64 names no model and calls its flags features', () => {
    const text = 'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd sve bf16\nCPU part\t: 0xd40\n';
    expect(judge(text, 'arm64')).toMatchObject({ status: 'ok', found: 'arm64, 8 cores: NEON, SVE, bf16' });
  });

  test('an empty text has no capability', () => {
    expect(parseCpuInfo('')).toEqual({ model: undefined, flags: new Set() });
    expect(judge('')).toMatchObject({ status: 'warning' });
  });
});

describe('threads', () => {
  const FREE = {
    trainingThreads: 8,
    processors: 8,
    usableCores: 8,
    ompNumThreads: undefined,
    ompThreadLimit: undefined,
  };

  test('one a core is ok', () => {
    expect(judgeThreads(FREE)).toMatchObject({ status: 'ok', found: 'training uses 8 threads on 8 cores' });
    expect(judgeThreads({ ...FREE, trainingThreads: 4, usableCores: 4 })).toMatchObject({
      status: 'ok',
      found: 'training uses 4 threads on 4 cores that it may use, of 8 processors',
    });
  });

  test('more than the usable cores is a warning with the number that fits', () => {
    expect(judgeThreads({ ...FREE, usableCores: 2 })).toMatchObject({
      status: 'warning',
      found: 'training starts 8 threads on 2 usable cores, which is slow',
      nextStep: 'train with `training.threads=2`',
    });
  });

  test('OMP_NUM_THREADS is a warning only where it limits', () => {
    expect(judgeThreads({ ...FREE, ompNumThreads: '2' })).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('OMP_NUM_THREADS=2 does not limit training'),
    });
    expect(judgeThreads({ ...FREE, trainingThreads: 2, ompNumThreads: '2,1' })).toMatchObject({
      status: 'warning',
      found: 'OMP_NUM_THREADS=2,1 limits training to 2 of 8 cores',
      nextStep: 'run `unset OMP_NUM_THREADS`',
    });
  });

  test('OMP_THREAD_LIMIT below the threads of training is a warning', () => {
    const limited = { ...FREE, trainingThreads: undefined, ompThreadLimit: '4' };
    expect(judgeThreads(limited)).toMatchObject({
      status: 'warning',
      nextStep: 'run `unset OMP_THREAD_LIMIT`',
    });
    expect(judgeThreads({ ...limited, ompThreadLimit: '8' })).toMatchObject({ status: 'ok' });
  });
});

describe('CUDA', () => {
  const [device] = parseDevices('NVIDIA H100 80GB HBM3, 81559, 550.54.15, 9.0\n');
  const ANSWER = { builtForLibtorch: '2.13.0', cpuCapability: 'AVX512', threads: 8 };
  const WORKING = { ...ANSWER, hasCuda: true, device: 'cuda:0' };
  const IDLE = { ...ANSWER, hasCuda: false, device: 'cpu' };
  const judge = (use: Partial<Parameters<typeof judgeDevices>[1]>) =>
    judgeDevices(device ? [device, device] : [], {
      isCudaLibtorch: true,
      variant: 'cu126',
      isNamed: false,
      answer: WORKING,
      visibleDevices: undefined,
      ...use,
    });

  test("nvidia-smi's lines", () => {
    expect(device).toMatchObject({ name: 'NVIDIA H100 80GB HBM3', driverVersion: '550.54.15' });
    expect(parseDevices('Orin (nvgpu), [N/A], 540.4.0, 8.7\nrubbish\n')).toEqual([
      { name: 'Orin (nvgpu)', memoryBytes: undefined, driverVersion: '540.4.0', computeCapability: 8.7 },
    ]);
    expect(parseDevices('NVIDIA, Inc. A2, 15356, 580.65.06, 8.6\nOld, 4096, 470.42.01')).toEqual([
      {
        name: 'NVIDIA, Inc. A2',
        memoryBytes: 15356 * 2 ** 20,
        driverVersion: '580.65.06',
        computeCapability: 8.6,
      },
      { name: 'Old', memoryBytes: 2 ** 32, driverVersion: '470.42.01', computeCapability: undefined },
    ]);
  });

  test('devices that are used', () => {
    expect(judge({})).toMatchObject({
      status: 'ok',
      found: '2 x NVIDIA H100 80GB HBM3, 79.6 GiB, driver 550.54.15; used as cuda:0',
    });
  });

  test.each([
    ['a CPU LibTorch', { isCudaLibtorch: false, answer: IDLE }, 'install-runtime --variant cu126'],
    ['a CPU LibTorch that was named', { isCudaLibtorch: false, isNamed: true }, 'set `LIBTORCH='],
    ['a LibTorch for a newer driver', { variant: 'cu130', answer: IDLE }, 'install-runtime --variant cu126'],
    ['one that cannot be tried', { variant: 'cu130', answer: undefined }, 'install-runtime --variant cu126'],
    ['hidden devices', { answer: IDLE, visibleDevices: '' }, 'unset CUDA_VISIBLE_DEVICES'],
    ['a driver that is too old', { answer: IDLE }, 'update the NVIDIA driver'],
  ])('%s: a warning', (_case, use, nextStep) => {
    expect(judge(use)).toMatchObject({ status: 'warning', nextStep: expect.stringContaining(nextStep) });
  });

  test('a driver that is too old for this LibTorch is named with the one it needs', () => {
    expect(judge({ variant: 'cu130', answer: IDLE })).toMatchObject({
      found: expect.stringMatching(/driver 550\.54\.15; the driver is too old .*\(cu130\), .* 580\.65\.06/),
      details: { isDriverNewEnough: false },
    });
    expect(judge({ variant: 'cu130' })).toMatchObject({ status: 'ok' });
  });

  test('a driver that is too old for any CUDA', () => {
    const old = parseDevices('Tesla K80, 11441, 470.42.01, 3.7');
    const use = { isCudaLibtorch: false, variant: 'cpu', isNamed: false, answer: IDLE };
    expect(judgeDevices(old, { ...use, visibleDevices: undefined })).toMatchObject({
      nextStep: expect.stringContaining('update the NVIDIA driver'),
    });
  });

  test('an addon that does not load says nothing about devices', () => {
    expect(judge({ answer: undefined })).toMatchObject({
      status: 'ok',
      found: expect.stringContaining('not tried'),
    });
  });

  test('no device is ok; a driver without a device, or one that fails, is a warning', () => {
    const missing = { end: { kind: 'not started', reason: 'ENOENT' }, stdout: '', stderr: '' } as const;
    const failing = {
      end: { kind: 'exited', exitCode: 9 },
      stdout: 'NVIDIA-SMI has failed\n',
      stderr: '',
    } as const;
    expect(judgeAbsence(missing, false, undefined)).toMatchObject({ status: 'ok' });
    expect(judgeAbsence(missing, true, undefined)).toMatchObject({ status: 'warning' });
    expect(judgeAbsence(failing, false, undefined)).toMatchObject({
      status: 'warning',
      found: 'nvidia-smi ended with exit code 9: NVIDIA-SMI has failed',
    });
    expect(judgeAbsence(missing, true, WORKING)).toMatchObject({ status: 'ok' });
  });
});
