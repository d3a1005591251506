import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { peekDriver } from '../../../lib/libtorch/driver.js';
import { missingLibraries, runtimeLibraries, writeManifest } from '../../../lib/libtorch/folder.js';
import { locateLibtorch } from '../../../lib/libtorch/locate.js';
import { compileLibrary } from '../doctor/fake-libraries.js';
import { isolate, libtorchFiles, temporaryFolder, without, writeFiles } from './fakes.js';

vi.mock('../../../lib/libtorch/driver.js', () => ({ peekDriver: vi.fn() }));

let cache: string;
beforeEach(() => {
  cache = isolate();
});

function installed(version: string, variant = 'cpu'): string {
  return writeFiles(join(cache, `libtorch-${version}-${variant}`), libtorchFiles(`${version}+${variant}`));
}

/** A program that answers as Python with PyTorch in `folder` does. */
function fakePython(folder: string): string {
  const python = join(writeFiles(temporaryFolder(), { python: `#!/bin/sh\necho '${folder}'\n` }), 'python');
  chmodSync(python, 0o755);
  return python;
}

test('an explicit folder wins over LIBTORCH, that over the cache, that over Python', () => {
  const option = writeFiles(temporaryFolder(), libtorchFiles('2.11.0+cpu'));
  const environment = writeFiles(temporaryFolder(), libtorchFiles('2.12.0+cpu'));
  const python = writeFiles(temporaryFolder(), libtorchFiles('2.14.0+cu130'));
  vi.stubEnv('PYTHON', fakePython(python));
  expect(locateLibtorch()).toEqual({ path: python, version: '2.14.0', variant: 'cu130', source: 'python' });
  const cached = installed('2.13.0');
  expect(locateLibtorch()).toEqual({ path: cached, version: '2.13.0', variant: 'cpu', source: 'cache' });
  vi.stubEnv('LIBTORCH', environment);
  expect(locateLibtorch()).toMatchObject({ path: environment, version: '2.12.0', source: 'environment' });
  expect(locateLibtorch({ path: option })).toMatchObject({
    path: option,
    version: '2.11.0',
    source: 'option',
  });
});

test('without any, the error names the command that installs one', () => {
  expect(() => locateLibtorch()).toThrow(
    expect.objectContaining({
      code: 'LIBTORCH_NOT_FOUND',
      nextStep: 'run `npx cifar10-torch install-runtime`',
    }),
  );
});

test.each(['lib/libc10.so', 'lib/libtorch_cpu.so', 'lib/libtorch.so'])(
  'an explicit folder without %s is refused',
  (name) => {
    installed('2.13.0');
    const path = writeFiles(temporaryFolder(), without(libtorchFiles(), name));
    expect(() => locateLibtorch({ path })).toThrow(
      expect.objectContaining({ code: 'LIBTORCH_NOT_FOUND', expected: `the file ${name}`, found: 'none' }),
    );
  },
);

test('an explicit folder without OpenMP is refused', () => {
  const path = writeFiles(temporaryFolder(), without(libtorchFiles(), 'lib/libgomp-a34b3233.so.1'));
  expect(() => locateLibtorch({ path })).toThrow(/expected the file lib\/libgomp\.so\.1, found none/);
});

test('headers are asked for by a build only', () => {
  const path = writeFiles(temporaryFolder(), without(libtorchFiles(), 'include/ATen/ATen.h'));
  expect(locateLibtorch({ path })).toMatchObject({ path });
  expect(() => locateLibtorch({ path, needsHeaders: true })).toThrow(
    /expected the file include\/ATen\/ATen\.h/,
  );
});

test('a version that does not fit is an error in an explicit folder and passed over elsewhere', () => {
  const path = writeFiles(temporaryFolder(), libtorchFiles('2.9.1+cpu'));
  expect(() => locateLibtorch({ path })).toThrow(
    expect.objectContaining({ code: 'LIBTORCH_VERSION', found: '2.9.1', expected: 'version 2.11 to 2.14' }),
  );
  vi.stubEnv('PYTHON', fakePython(path));
  expect(() => locateLibtorch()).toThrow(
    expect.objectContaining({ code: 'LIBTORCH_NOT_FOUND', found: expect.stringContaining('2.9.1') }),
  );
});

test('an addon is given the version it was built for', () => {
  installed('2.13.0');
  const older = installed('2.12.0');
  expect(locateLibtorch({ builtForVersion: '2.12.3' }).path).toBe(older);
  expect(() => locateLibtorch({ builtForVersion: '2.14.0' })).toThrow(
    /expected LibTorch 2\.14 .*found version 2\.13\.0/,
  );
});

test('the cache gives the build version, and of two of a kind the one installed last', () => {
  const older = installed('2.13.0', 'cu126');
  const newer = installed('2.13.0', 'cu130');
  installed('2.14.0');
  utimesSync(older, 1000, 1000);
  utimesSync(newer, 2000, 2000);
  expect(locateLibtorch().path).toBe(newer);
  utimesSync(older, 3000, 3000);
  expect(locateLibtorch().path).toBe(older);
});

describe('with one for the processor and one for CUDA in the cache', () => {
  const [withoutDriver, old, current] = [undefined, '535.129.03', '580.65.06'].map((version) =>
    version === undefined ? undefined : { version, gpus: [] },
  );

  test.each([
    ['no driver', withoutDriver, 'cpu'],
    ['a driver that is too old for this CUDA', old, 'cpu'],
    ['a driver that is new enough', current, 'cu130'],
    ['a driver that does not say how new it is', { version: undefined, gpus: [] }, 'cu130'],
  ])('%s: %s', (_case, driver, variant) => {
    vi.mocked(peekDriver).mockReturnValue(driver);
    for (const [name, seconds] of [
      ['cpu', variant === 'cpu' ? 1000 : 2000],
      ['cu130', variant === 'cpu' ? 2000 : 1000],
    ] as const)
      utimesSync(installed('2.13.0', name), seconds, seconds);
    expect(locateLibtorch()).toMatchObject({ variant, source: 'cache' });
  });

  test('one for CUDA alone is taken without a driver too', () => {
    vi.mocked(peekDriver).mockReturnValue(undefined);
    installed('2.13.0', 'cu130');
    expect(locateLibtorch()).toMatchObject({ variant: 'cu130' });
  });
});

test('a library shorter than the manifest says makes an installed one unusable', async () => {
  const folder = installed('2.13.0');
  await writeManifest(folder, { version: '2.13.0', variant: 'cpu', files: { 'lib/libtorch_cpu.so': 9 } });
  expect(locateLibtorch()).toMatchObject({ path: folder });
  truncateSync(join(folder, 'lib/libtorch_cpu.so'), 5);
  expect(() => locateLibtorch()).toThrow(/expected 9 bytes in lib\/libtorch_cpu\.so, found 5 bytes/);
});

test.each([
  ['of another type', { version: 2.13, variant: 'cpu', files: {} }],
  ['with a size that is none', { version: '2.13.0', variant: 'cpu', files: { 'lib/libc10.so': '3' } }],
  ['without files', { version: '2.13.0', variant: 'cpu', files: null }],
  ['that is no object', null],
])('a manifest %s counts as none', (_, manifest) => {
  const folder = writeFiles(installed('2.13.0'), { 'libtorch.json': JSON.stringify(manifest) });
  expect(locateLibtorch()).toMatchObject({ path: folder, version: '2.13.0' });
});

test.each([
  [
    'a folder',
    'lib/libc10.so',
    (path: string) => mkdirSync(path),
    /file lib\/libc10\.so, found what is no file/,
  ],
  ['a pipe', 'lib/libtorch.so', (path: string) => execFileSync('mkfifo', [path]), /found what is no file/],
  ['a pipe', 'lib/libgomp-a34b3233.so.1', (path: string) => execFileSync('mkfifo', [path]), /no file/],
  [
    'a circle of links',
    'lib/libc10.so',
    (path: string) => symlinkSync(path, path),
    /can be read, found ELOOP/,
  ],
])('%s with the name %s is refused', (_, name, make, message) => {
  const path = writeFiles(temporaryFolder(), without(libtorchFiles(), name));
  make(join(path, name));
  expect(() => locateLibtorch({ path })).toThrow(
    expect.objectContaining({ code: 'LIBTORCH_NOT_FOUND', message: expect.stringMatching(message) }),
  );
});

test('a manifest or another library that is a pipe is not waited for', () => {
  const path = writeFiles(temporaryFolder(), { ...libtorchFiles(), 'lib/libtorch_cuda.so': '' });
  for (const name of ['libtorch.json', 'lib/libcudart.so.13']) execFileSync('mkfifo', [join(path, name)]);
  expect(locateLibtorch({ path })).toMatchObject({ path });
  expect(missingLibraries(path)).toEqual([]);
});

test('a real library that was cut off is noticed without a manifest', () => {
  const path = writeFiles(temporaryFolder(), libtorchFiles());
  const report = process.report.getReport() as unknown as { sharedObjects: string[] };
  const libc = report.sharedObjects.find((name) => /\/libc\.so/.test(name)) as string;
  const target = join(path, 'lib/libc10.so');
  copyFileSync(libc, target);
  expect(locateLibtorch({ path })).toMatchObject({ path });
  truncateSync(target, statSync(libc).size - 1);
  expect(() => locateLibtorch({ path })).toThrow(/expected the whole of lib\/libc10\.so/);
});

test('the libraries are opened each after those it needs, with CUDA where it is', () => {
  const folder = writeFiles(temporaryFolder(), libtorchFiles());
  const names = () => runtimeLibraries(folder).map((path) => path.replace(`${folder}/lib/`, ''));
  expect(names()).toEqual(['libgomp-a34b3233.so.1', 'libc10.so', 'libtorch_cpu.so', 'libtorch.so']);
  writeFiles(folder, { 'lib/libtorch_cuda.so': '', 'lib/libc10_cuda.so': '' });
  expect(names().slice(3)).toEqual(['libc10_cuda.so', 'libtorch_cuda.so', 'libtorch.so']);
});

describe('real libraries of CUDA', () => {
  /** Fakes that need each other as the real ones do: their names, and not where they lie, are in them. */
  function cudaFolder(): string {
    const folder = writeFiles(temporaryFolder(), libtorchFiles('2.13.0+cu130'));
    const library = (name: string, ...needed: string[]) => compileLibrary(join(folder, 'lib', name), needed);
    library('libcudart.so.13');
    library('libcublasLt.so.13', 'libcudart.so.13');
    library('libcublas.so.13', 'libcublasLt.so.13');
    library('libcupti.so.13');
    library('libtorch_cpu.so', 'libcupti.so.13');
    library('libc10_cuda.so', 'libcudart.so.13');
    library('libtorch_cuda.so', 'libc10_cuda.so', 'libcublas.so.13');
    return folder;
  }

  test('are opened before those that need them', () => {
    const folder = cudaFolder();
    expect(runtimeLibraries(folder).map((path) => path.replace(`${folder}/lib/`, ''))).toEqual([
      'libgomp-a34b3233.so.1',
      'libc10.so',
      'libcupti.so.13',
      'libtorch_cpu.so',
      'libcudart.so.13',
      'libc10_cuda.so',
      'libcublasLt.so.13',
      'libcublas.so.13',
      'libtorch_cuda.so',
      'libtorch.so',
    ]);
  });

  test('that are not there are named; those of the driver and the system need not be', () => {
    const folder = cudaFolder();
    expect(missingLibraries(folder)).toEqual([]);
    compileLibrary(join(folder, 'lib/libnccl.so.2'), ['libcuda.so.1', 'libnvidia-ml.so.1', 'libmine.so']);
    expect(missingLibraries(folder)).toEqual([]);
    rmSync(join(folder, 'lib/libcublasLt.so.13'));
    expect(missingLibraries(folder)).toEqual(['libcublasLt.so.13']);
  });

  test('of what is opened, all that is not the system’s must be there, whatever it is called', () => {
    const folder = cudaFolder();
    const needed = ['libm.so.6', 'libstdc++.so.6', 'ld-linux-x86-64.so.2', 'libhipblas.so.2'];
    compileLibrary(join(folder, 'lib/libcublasLt.so.13'), needed);
    expect(missingLibraries(folder)).toEqual(['libhipblas.so.2']);
  });

  test('those that need each other in a circle are opened all the same', () => {
    const folder = cudaFolder();
    compileLibrary(join(folder, 'lib/libcudart.so.13'), ['libtorch_cuda.so']);
    expect(missingLibraries(folder)).toEqual([]);
    expect(runtimeLibraries(folder)).toHaveLength(10);
  });
});
