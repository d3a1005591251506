import { afterEach, expect, test, vi } from 'vitest';
import { libraryNames } from '../../../lib/libtorch/library-names.js';
import { assertCanLoad, assertPlatformSupported, currentPlatform } from '../../../lib/libtorch/platform.js';

const MACOS = { os: 'darwin', arch: 'arm64', glibcVersion: undefined };

afterEach(() => vi.unstubAllEnvs());

test('this machine can run LibTorch', () => {
  expect(currentPlatform().glibcVersion).toMatch(/^2\.\d+/);
  expect(() => assertPlatformSupported()).not.toThrow();
});

test.each([
  ['musl', { os: 'linux', arch: 'x64', glibcVersion: undefined }, /found another one, such as musl/],
  [
    'old glibc',
    { os: 'linux', arch: 'x64', glibcVersion: '2.9' },
    /expected glibc 2\.28 or newer, found glibc 2\.9/,
  ],
  ['macOS', { os: 'darwin', arch: 'arm64', glibcVersion: undefined }, /found darwin on arm64/],
  ['32 bits', { os: 'linux', arch: 'ia32', glibcVersion: '2.36' }, /found linux on ia32/],
])('%s is refused with the next step', (_, platform, message) => {
  expect(() => assertPlatformSupported(platform)).toThrow(
    expect.objectContaining({
      code: 'PLATFORM_UNSUPPORTED',
      message: expect.stringMatching(message),
      nextStep: expect.any(String),
    }),
  );
});

test('macOS may be tried by whoever says so, a system that nothing is written for may not', () => {
  const refused = expect.objectContaining({ code: 'PLATFORM_UNSUPPORTED' });
  expect(() => assertCanLoad(MACOS)).toThrow(refused);
  vi.stubEnv('CIFAR10_TORCH_UNTESTED', '1');
  expect(() => assertCanLoad(MACOS)).not.toThrow();
  expect(() => assertPlatformSupported(MACOS)).toThrow(refused);
  for (const platform of [
    { ...MACOS, os: 'freebsd' },
    { ...MACOS, os: 'linux' },
  ])
    expect(() => assertCanLoad(platform)).toThrow(refused);
});

test.each([
  ['linux', ['libc10.so', 'libtorch_cpu.so', 'libtorch.so']],
  ['darwin', ['libc10.dylib', 'libtorch_cpu.dylib', 'libtorch.dylib']],
  ['win32', ['c10.dll', 'torch_cpu.dll', 'torch.dll']],
] as const)('the libraries on %s', (system, required) => {
  const { openMp, ...names } = libraryNames(system);
  expect(names.required).toEqual(required);
  expect(openMp.usual).toMatch(openMp.pattern);
});
