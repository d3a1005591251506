import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { findDriver } from '../../../lib/libtorch/driver.js';
import { installLibtorch, type VariantChoice } from '../../../lib/libtorch/index.js';
import { withLock } from '../../../lib/lock.js';
import { compileLibrary } from '../doctor/fake-libraries.js';
import {
  isolate,
  libtorchFiles,
  temporaryFolder,
  without,
  withPrefix,
  writeFiles,
  writeNvidiaWheel,
  writeWheel,
  writeZip,
} from './fakes.js';

vi.mock('../../../lib/libtorch/driver.js', () => ({ findDriver: vi.fn(), peekDriver: () => undefined }));
vi.mock('node:fs/promises', async (load) => {
  const real = await load<typeof import('node:fs/promises')>();
  return { ...real, rm: vi.fn(real.rm) };
});

let cache: string;
beforeEach(() => {
  vi.mocked(findDriver).mockResolvedValue(undefined);
  cache = isolate();
});

function archive(files = withPrefix('libtorch/', libtorchFiles())): string {
  return writeZip(join(temporaryFolder(), 'libtorch.zip'), files);
}

/** Serves the bytes as the official archive. */
async function serve(body: Buffer | string): Promise<void> {
  const server = createServer((_, response) => void response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('CIFAR10_TORCH_LIBTORCH_URL', `http://127.0.0.1:${port}/libtorch.zip`);
}

/** Real pip, which sees the wheels of one folder and no index. */
function givePip(wheelFolder: string): void {
  vi.stubEnv('PYTHON', 'python3');
  vi.stubEnv('PIP_NO_INDEX', '1');
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null');
  vi.stubEnv('PIP_FIND_LINKS', wheelFolder);
}

/** Only whole installations may be left in the cache. */
function expectNothingLeft(): void {
  expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
}

test('an official archive is unpacked to what build and run need', async () => {
  const stages = new Set<string>();
  const installed = await installLibtorch({ from: archive(), onProgress: ({ stage }) => stages.add(stage) });
  const path = join(cache, 'libtorch-2.13.0-cpu');
  expect(installed).toEqual({ path, version: '2.13.0', variant: 'cpu', source: 'cache' });
  expect([...stages]).toEqual(['unpack']);
  expect(readdirSync(cache)).toEqual(['libtorch-2.13.0-cpu']);
  expect(readdirSync(join(path, 'lib')).sort()).toEqual([
    'libc10.so',
    'libgomp-a34b3233.so.1',
    'libtorch.so',
    'libtorch_cpu.so',
  ]);
  expect(readFileSync(join(path, 'lib/libtorch_cpu.so'), 'utf8')).toBe('torch_cpu');
  expect(existsSync(join(path, 'include/ATen/ATen.h'))).toBe(true);
});

test('a wheel is unpacked alike', async () => {
  const installed = await installLibtorch({ from: writeWheel(temporaryFolder()) });
  expect(installed).toMatchObject({ version: '2.13.0', variant: 'cpu' });
});

test('of a CUDA archive all but the needless libraries are taken', async () => {
  const extra = { 'lib/libtorch_cuda.so': 'cuda', 'lib/libcudart-1234.so.13': 'rt', 'lib/libshm.so': 'no' };
  const files = { ...libtorchFiles('2.13.0+cu130'), ...extra };
  const { path, variant } = await installLibtorch({ from: archive(withPrefix('libtorch/', files)) });
  expect(variant).toBe('cu130');
  const libraries = readdirSync(join(path, 'lib'));
  expect(libraries).toEqual(expect.arrayContaining(['libtorch_cuda.so', 'libcudart-1234.so.13']));
  expect(libraries).not.toEqual(expect.arrayContaining(['libshm.so']));
  expect(libraries).not.toEqual(expect.arrayContaining(['libtorch_python.so']));
});

test('a wheel that leaves its libraries to other wheels is refused', async () => {
  const requirement = 'Requires-Dist: nvidia-cudnn-cu13==9.0; platform_system == "Linux"\n';
  const from = writeWheel(temporaryFolder(), { variant: 'cu130', requirement });
  await expect(installLibtorch({ from })).rejects.toMatchObject({
    code: 'LIBTORCH_ARCHIVE_INVALID',
    found: 'one that needs the package nvidia-cudnn-cu13',
  });
  expectNothingLeft();
});

test('a requirement with a megabyte of spaces takes no time', async () => {
  const requirement = `Requires-Dist: nvidia-cudnn-cu13${' '.repeat((1 << 20) - 1000)};\n`;
  const from = writeWheel(temporaryFolder(), { variant: 'cu130', requirement });
  const startedMs = performance.now();
  await expect(installLibtorch({ from })).rejects.toMatchObject({ code: 'LIBTORCH_ARCHIVE_INVALID' });
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

test('one already there is reused; one that was cut off is replaced', async () => {
  await serve(readFileSync(archive()));
  const first = await installLibtorch();
  vi.stubEnv('CIFAR10_TORCH_LIBTORCH_URL', 'http://127.0.0.1:1/');
  expect(await installLibtorch()).toEqual(first);
  truncateSync(join(first.path, 'lib/libtorch.so'), 1);
  expect(await installLibtorch({ from: archive() })).toEqual(first);
  expect(readFileSync(join(first.path, 'lib/libtorch.so'), 'utf8')).toBe('torch');
});

test('one that is replaced is never removed piece by piece under its name', async () => {
  const { path } = await installLibtorch({ from: archive() });
  truncateSync(join(path, 'lib/libtorch.so'), 1);
  vi.mocked(rm).mockClear();
  await installLibtorch({ from: archive() });
  const removed = vi.mocked(rm).mock.calls.map(([removed]) => removed);
  expect(removed).toContainEqual(expect.stringMatching(/\.libtorch-2\.13\.0-cpu\..*\.tmp$/));
  expect(removed).not.toContain(path);
  expect(readdirSync(cache)).toEqual(['libtorch-2.13.0-cpu']);
});

test('the official archive is downloaded and removed after unpacking', async () => {
  const stages = new Set<string>();
  await serve(readFileSync(archive()));
  await installLibtorch({ onProgress: ({ stage }) => stages.add(stage) });
  expect([...stages]).toEqual(['download', 'unpack']);
  expect(readdirSync(cache)).toEqual(['libtorch-2.13.0-cpu']);
});

test.each([
  ['refuses connections', undefined],
  ['answers with a page', '<html>please log in</html>'],
])('where the official site %s, pip is used and one line says so', async (_, page) => {
  if (page !== undefined) await serve(page);
  const wheels = temporaryFolder();
  writeWheel(wheels);
  givePip(wheels);
  const lines: string[] = [];
  expect(await installLibtorch({ onMessage: (line) => lines.push(line) })).toMatchObject({
    version: '2.13.0',
  });
  expect(
    lines.filter((line) => /^The official LibTorch archive .* using pip instead/.test(line)),
  ).toHaveLength(1);
  expect(readdirSync(cache)).toEqual(['libtorch-2.13.0-cpu']);
});

test('no network at all: the error says how to bring an archive', async () => {
  givePip(temporaryFolder());
  await expect(installLibtorch()).rejects.toMatchObject({
    code: 'LIBTORCH_DOWNLOAD_FAILED',
    message: expect.stringMatching(/No matching distribution/),
    nextStep: expect.stringContaining('install-runtime --from <archive>'),
  });
  expectNothingLeft();
});

test('no network and no Python', async () => {
  await expect(installLibtorch()).rejects.toMatchObject({
    code: 'PYTHON_NOT_FOUND',
    found: 'no Python',
    nextStep: expect.stringContaining('set PYTHON'),
  });
  expectNothingLeft();
});

describe('variants', () => {
  const found = (version: string, gpu: number) =>
    vi.mocked(findDriver).mockResolvedValue({ version, gpus: [gpu] });
  const install = async (variant?: VariantChoice) => {
    const lines: string[] = [];
    const installed = await installLibtorch({ variant, onMessage: (line) => lines.push(line) });
    return { ...installed, lines };
  };
  /** A wheel of PyTorch for CUDA and the one of NVIDIA that it leaves a library to. */
  function writeCudaWheels(folder: string, version = '13.0', torch = '2.13.0+cu130'): string {
    const libtorch = compile('libtorch_cuda.so', ['libcudart.so.13']);
    const requirement = `Requires-Dist: nvidia-cudart==${version}; platform_system == "Linux"\n`;
    const files = { 'lib/libtorch_cuda.so': libtorch };
    writeWheel(folder, { variant: 'cu130', version: torch, requirement, files });
    writeNvidiaWheel(folder, 'nvidia_cudart', 'libcudart.so.13', 'cudart');
    return folder;
  }
  function compile(name: string, needed: string[]): Buffer {
    const path = join(temporaryFolder(), name);
    compileLibrary(path, needed);
    return readFileSync(path);
  }

  test('one for CUDA comes from the wheels of PyTorch and NVIDIA, whole in one folder', async () => {
    givePip(writeCudaWheels(temporaryFolder()));
    vi.stubEnv('CIFAR10_TORCH_LIBTORCH_URL', '');
    found('580.65.06', 9);
    const { path, variant, lines } = await install();
    expect({ path, variant }).toEqual({ path: join(cache, 'libtorch-2.13.0-cu130'), variant: 'cu130' });
    expect(readdirSync(join(path, 'lib')).sort()).toEqual([
      'libc10.so',
      'libcudart.so.13',
      'libgomp-a34b3233.so.1',
      'libtorch.so',
      'libtorch_cpu.so',
      'libtorch_cuda.so',
    ]);
    expect(lines.join('\n')).toMatch(
      /^pip: .*torch-2\.13\.0\+cu130[\s\S]*nvidia_cudart[\s\S]*\nUnpacking.*cu130/,
    );
    expect(readdirSync(cache)).toEqual(['libtorch-2.13.0-cu130']);
  });

  test('NVIDIA’s packages come from where the wheel came, and Python is looked for once', async () => {
    const [wheels, log] = [temporaryFolder(), join(temporaryFolder(), 'log')];
    writeCudaWheels(wheels, '13.0', '2.13.0');
    givePip(wheels);
    const script = `#!/bin/sh\necho "$@" | tr '\\n' ' ' >> ${log}\necho >> ${log}\nexec python3 "$@"\n`;
    const python = join(writeFiles(temporaryFolder(), { python: script }), 'python');
    chmodSync(python, 0o755);
    vi.stubEnv('PYTHON', python);
    expect(await install('cu130')).toMatchObject({ variant: 'cu130' });
    const calls = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(calls.map((call) => call.includes('--extra-index-url'))).toEqual([false, true, false, false]);
    expect(calls.filter((call) => call.includes('import pip'))).toHaveLength(1);
  });

  test('where one of NVIDIA’s packages is not to be had, nothing is installed', async () => {
    givePip(writeCudaWheels(temporaryFolder(), '12.6'));
    await expect(install('cu130')).rejects.toMatchObject({
      code: 'LIBTORCH_DOWNLOAD_FAILED',
      message: expect.stringMatching(/nvidia-cudart==12\.6/),
    });
    expectNothingLeft();
  });

  test('an archive without NVIDIA’s libraries is refused: nothing could load it', async () => {
    const files = {
      ...libtorchFiles('2.13.0+cu130'),
      'lib/libtorch_cuda.so': compile('libtorch_cuda.so', ['libcudart.so.13', 'libcuda.so.1']),
    };
    await expect(installLibtorch({ from: archive(withPrefix('libtorch/', files)) })).rejects.toMatchObject({
      code: 'LIBTORCH_ARCHIVE_INVALID',
      expected: 'lib/libcudart.so.13',
    });
    expectNothingLeft();
  });

  test('an archive of another variant than the one named is refused', async () => {
    await expect(installLibtorch({ from: archive(), variant: 'cu126' })).rejects.toMatchObject({
      code: 'LIBTORCH_ARCHIVE_INVALID',
      expected: 'cu126',
      found: 'cpu',
    });
    expectNothingLeft();
  });

  test('a wheel of another variant under the bare version, as indexes have it, is refused', async () => {
    const wheels = temporaryFolder();
    writeWheel(wheels, { variant: 'cpu', version: '2.13.0' });
    givePip(wheels);
    found('580.65.06', 9);
    vi.stubEnv('CIFAR10_TORCH_LIBTORCH_URL', '');
    await expect(install()).rejects.toMatchObject({
      code: 'LIBTORCH_ARCHIVE_INVALID',
      found: 'cpu',
      nextStep: 'run `npx cifar10-torch install-runtime --variant cpu`',
    });
    expectNothingLeft();
  });

  test('where the archive cannot be had and the index has but a wheel for CUDA, both are told', async () => {
    const wheels = temporaryFolder();
    writeCudaWheels(wheels, '13.0', '2.13.0');
    givePip(wheels);
    vi.stubEnv('CIFAR10_TORCH_LIBTORCH_URL', 'http://127.0.0.1:1/libtorch.zip');
    await expect(install('cpu')).rejects.toMatchObject({
      code: 'LIBTORCH_DOWNLOAD_FAILED',
      found: expect.stringMatching(
        /127\.0\.0\.1.*; a wheel that does not do: one that needs the package nvidia-cudart$/,
      ),
      nextStep: expect.stringMatching(/--from <archive>/),
    });
    expectNothingLeft();
  });

  test('the address in CIFAR10_TORCH_LIBTORCH_URL may hold any variant, unless one is named', async () => {
    await serve(readFileSync(archive()));
    found('580.65.06', 9);
    await expect(install('cu126')).rejects.toMatchObject({ code: 'PYTHON_NOT_FOUND' });
    expect(await install()).toMatchObject({ variant: 'cpu' });
  });

  test('one in the cache does for its own variant, and for auto, which offers another in one line', async () => {
    const { path } = await installLibtorch({ from: archive() });
    expect(await install('cpu')).toMatchObject({ path, lines: [] });
    expect(await install()).toMatchObject({ path, lines: [] });
    found('580.65.06', 9);
    expect(await install()).toMatchObject({
      path,
      lines: [
        expect.stringMatching(/\(cpu\) is kept; for the NVIDIA driver 580\.65\.06 .*--variant cu130`$/),
      ],
    });
    await expect(install('cu130')).rejects.toMatchObject({ code: 'PYTHON_NOT_FOUND' });
    expect(readdirSync(cache)).toEqual(['libtorch-2.13.0-cpu']);
  });

  test('one for CUDA in the cache is not taken for cpu; of both, auto takes the one for the driver', async () => {
    givePip(writeCudaWheels(temporaryFolder()));
    const cuda = await install('cu130');
    expect(await install()).toMatchObject({ path: cuda.path });
    await serve(readFileSync(archive()));
    const cpu = await install('cpu');
    expect(cpu.variant).toBe('cpu');
    expect(await install()).toMatchObject({ path: cpu.path, lines: [] });
    found('580.65.06', 9);
    expect(await install()).toMatchObject({ path: cuda.path, lines: [] });
  });

  test('a driver that no CUDA variant fits: the one for the processor, and one line says why', async () => {
    await serve(readFileSync(archive()));
    found('470.42.01', 7);
    const { variant, lines } = await install();
    expect(variant).toBe('cpu');
    expect(lines.filter((line) => line.includes('driver 470.42.01'))).toHaveLength(1);
  });

  test('a variant that there is none of', async () => {
    await expect(install('cu128' as 'cpu')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      nextStep: 'use the nearest, "cu126"',
    });
  });
});

test.each(['rocm6.4', 'xpu'])('an archive for %s is refused', async (variant) => {
  const files = withPrefix('libtorch/', libtorchFiles(`2.13.0+${variant}`));
  await expect(installLibtorch({ from: archive(files) })).rejects.toMatchObject({
    code: 'LIBTORCH_ARCHIVE_INVALID',
    found: `one for ${variant}`,
  });
  expectNothingLeft();
});

const official = (version?: string) => withPrefix('libtorch/', libtorchFiles(version));
test.each([
  ['of another version', official('2.9.1+cpu'), 'LIBTORCH_VERSION', /found 2\.9\.1/],
  [
    'without libtorch_cpu',
    without(official(), 'libtorch/lib/libtorch_cpu.so'),
    'LIBTORCH_ARCHIVE_INVALID',
    /libtorch_cpu/,
  ],
  ['without libc10', without(official(), 'libtorch/lib/libc10.so'), 'LIBTORCH_ARCHIVE_INVALID', /libc10/],
  [
    'without headers',
    without(official(), 'libtorch/include/ATen/ATen.h'),
    'LIBTORCH_ARCHIVE_INVALID',
    /ATen\.h/,
  ],
  [
    'without a version',
    without(official(), 'libtorch/build-version'),
    'LIBTORCH_ARCHIVE_INVALID',
    /build-version/,
  ],
  [
    'that climbs out',
    { ...official(), 'libtorch/include/../../../x.h': '' },
    'LIBTORCH_ARCHIVE_INVALID',
    /\.\./,
  ],
  [
    'with a name that is a file and a folder',
    { ...official(), 'libtorch/include/ATen': '' },
    'LIBTORCH_ARCHIVE_INVALID',
    /as a file and as a folder/,
  ],
  [
    'with a name that no file can have',
    { ...official(), [`libtorch/include/${'x'.repeat(256)}`]: '' },
    'LIBTORCH_ARCHIVE_INVALID',
    /name of 273 bytes/,
  ],
  [
    'with a name that is too long',
    { ...official(), [`libtorch/include/${'x/'.repeat(600)}x`]: '' },
    'LIBTORCH_ARCHIVE_INVALID',
    /name of 1218 bytes/,
  ],
  [
    'with a name that another is too',
    { ...official(), 'libtorch/include/./ATen/ATen.h': '' },
    'LIBTORCH_ARCHIVE_INVALID',
    /include\/\.\/ATen\/ATen\.h with a part that is no name/,
  ],
  [
    'with an empty part in a name',
    { ...official(), 'libtorch/include//ATen/ATen.h': '' },
    'LIBTORCH_ARCHIVE_INVALID',
    /include\/\/ATen\/ATen\.h with a part that is no name/,
  ],
  [
    'with a backslash in a name',
    { ...official(), 'libtorch\\include\\x.h': '' },
    'LIBTORCH_ARCHIVE_INVALID',
    /invalid characters in fileName/,
  ],
  ['with an absolute name', { ...official(), '/tmp/x.h': '' }, 'LIBTORCH_ARCHIVE_INVALID', /absolute/],
])('an archive %s is refused and nothing stays behind', async (_, files, code, message) => {
  const rejection = expect.objectContaining({ code, message: expect.stringMatching(message) });
  await expect(installLibtorch({ from: archive(files) })).rejects.toEqual(rejection);
  expectNothingLeft();
});

test.each([
  ['a text', () => Buffer.from('not a zip')],
  ['a zip that was cut off', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
  ['a zip with a damaged library', (whole: Buffer) => damage(whole, 'torch_cpu')],
  ['a zip with a zero byte in a name', (whole: Buffer) => replaceAll(whole, 'ATen.h', 'ATen\0h')],
  ['a zip that says a file is longer than it is', (whole: Buffer) => claimSizes(whole, 1)],
])('%s is refused and nothing stays behind', async (_, change) => {
  const from = join(temporaryFolder(), 'bad.zip');
  writeFileSync(from, change(readFileSync(archive())));
  await expect(installLibtorch({ from })).rejects.toMatchObject({ code: 'LIBTORCH_ARCHIVE_INVALID' });
  expectNothingLeft();
});

test('a zip of too many files is refused before their names are read', async () => {
  const from = join(temporaryFolder(), 'many.zip');
  const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for index in range(100_001):
        archive.writestr('libtorch/%d' % index, b'')`;
  execFileSync('python3', ['-c', script, from]);
  await expect(installLibtorch({ from })).rejects.toMatchObject({
    code: 'LIBTORCH_ARCHIVE_INVALID',
    expected: 'at most 100000 files',
    found: '100001',
  });
});

test('a zip that says it holds too much is refused before anything is unpacked', async () => {
  const from = join(temporaryFolder(), 'bad.zip');
  writeFileSync(from, claimSizes(readFileSync(archive()), 5));
  const onProgress = vi.fn();
  await expect(installLibtorch({ from, onProgress })).rejects.toMatchObject({
    code: 'LIBTORCH_ARCHIVE_INVALID',
    expected: `at most ${16 * 1024 ** 3} bytes to unpack`,
  });
  expect(onProgress).not.toHaveBeenCalled();
  expectNothingLeft();
});

function replaceAll(whole: Buffer, from: string, to: string): Buffer {
  return Buffer.from(whole.toString('latin1').replaceAll(from, to), 'latin1');
}

/** Says in the central directory that each of so many files has four gigabytes, which no stream of it has. */
function claimSizes(whole: Buffer, fileCount: number): Buffer {
  const names = Object.keys(libtorchFiles()).filter((name) => !/version|python/.test(name));
  for (const name of names.slice(0, fileCount)) {
    const nameAt = whole.lastIndexOf(name) - 'libtorch/'.length;
    whole.writeUInt16LE(8, nameAt - 46 + 10); // deflated: a stored file's two sizes would have to agree
    whole.writeUInt32LE(0xffff_fffe, nameAt - 46 + 24);
  }
  return whole;
}

/** Changes one byte of the content, not of the name, which stands before it. */
function damage(whole: Buffer, content: string): Buffer {
  const name = whole.indexOf(`lib${content}.so`);
  whole.write('X', whole.indexOf(content, name + content.length + 3));
  return whole;
}

test('an archive that is not there', async () => {
  await expect(installLibtorch({ from: '/nonexistent.zip' })).rejects.toMatchObject({
    code: 'LIBTORCH_ARCHIVE_INVALID',
    found: expect.stringContaining('ENOENT'),
  });
});

test('a cache that cannot be written', async () => {
  const file = join(writeFiles(temporaryFolder(), { file: '' }), 'file');
  vi.stubEnv('CIFAR10_TORCH_CACHE', join(file, 'cache'));
  await expect(installLibtorch({ from: archive() })).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
});

test('an abort during unpacking leaves nothing behind', async () => {
  const controller = new AbortController();
  const installing = installLibtorch({
    from: archive(),
    signal: controller.signal,
    onProgress: () => controller.abort('enough'),
  });
  await expect(installing).rejects.toMatchObject({ name: 'AbortError', code: 'ABORTED', cause: 'enough' });
  expectNothingLeft();
});

const PART_OF_THIS_ADDRESS = '.libtorch-download-d6b5f3b9.zip.part';
const LEFT = {
  '.libtorch-2.13.0-cpu.1234.abcd.tmp/lib/libc10.so': 'half',
  '.libtorch-download-0123abcd.zip': 'whole',
  '.libtorch-download-0123abcd.zip.part': 'half, of an address of old',
  '.libtorch-download-0123abcd.zip.part.etag': 'x',
};
/** A part goes on where it was; the rest is not ours. */
const KEPT = {
  [PART_OF_THIS_ADDRESS]: 'half',
  'other/file': 'mine',
  '.libtorch-mine.zip': 'mine',
};
const KEPT_NAMES = [PART_OF_THIS_ADDRESS, '.libtorch-mine.zip', 'libtorch-2.13.0-cpu', 'other'];

test('what a crashed installer left is removed', async () => {
  writeFiles(cache, { ...LEFT, ...KEPT });
  await installLibtorch({ from: archive() });
  expect(readdirSync(cache).sort()).toEqual(KEPT_NAMES);
});

test('what a crashed installer left is removed where LibTorch is found as well', async () => {
  await installLibtorch({ from: archive() });
  writeFiles(cache, { ...LEFT, ...KEPT });
  await installLibtorch();
  expect(readdirSync(cache).sort()).toEqual(KEPT_NAMES);
});

test('what a crashed installer left and cannot be removed is named in one line, and no failure', async () => {
  const name = '.libtorch-2.13.0-cpu.1234.abcd.tmp';
  writeFiles(cache, { [`${name}/lib/libc10.so`]: 'half' });
  vi.mocked(rm).mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'EACCES' }));
  const lines: string[] = [];
  const installed = await installLibtorch({ from: archive(), onMessage: (line) => lines.push(line) });
  expect(installed).toMatchObject({ variant: 'cpu' });
  expect(lines.filter((line) => line.includes(`${name}", which`) && line.endsWith('EACCES'))).toHaveLength(1);
});

test('a temporary folder that cannot be removed does not hide what went wrong', async () => {
  vi.mocked(rm).mockRejectedValue(Object.assign(new Error('no'), { code: 'EACCES' }));
  onTestFinished(() => void vi.mocked(rm).mockReset());
  const files = without(withPrefix('libtorch/', libtorchFiles()), 'libtorch/lib/libc10.so');
  await expect(installLibtorch({ from: archive(files) })).rejects.toMatchObject({
    code: 'LIBTORCH_ARCHIVE_INVALID',
  });
});

test('what an installer at work has there stays, and nobody waits for it', async () => {
  await installLibtorch({ from: archive() });
  writeFiles(cache, LEFT);
  await withLock(join(cache, 'libtorch'), () => installLibtorch());
  expect(readdirSync(cache)).toEqual(
    expect.arrayContaining(Object.keys(LEFT).map((path) => path.split('/')[0])),
  );
});
