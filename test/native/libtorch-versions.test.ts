// Which LibTorch a build takes, and which one a built addon opens: what does not fit is refused before anything of it is
// opened. Its libraries are texts here, so that opening them fails, and shows that it was tried.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { BUILD_VERSION, locateLibtorch } from '../../lib/libtorch/index.js';
import { loadNative } from '../../lib/native.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { type Files, libtorchFiles, temporaryFolder, without, writeFiles } from '../unit/libtorch/fakes.js';

const OPENED = 'LIBTORCH_LOAD_FAILED';
const OTHER = 'LIBTORCH_VERSION';
const NO_VERSION = 'LIBTORCH_NOT_FOUND';

/** As `include/torch/headeronly/version.h` has it. */
const header = ([major, minor, patch]: readonly number[]) =>
  `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`;
const nameless = without(libtorchFiles(), 'build-version');

/** What LibTorch says of its version, and the minor version that this is. */
const FOUND: readonly (readonly [string, Files, string | undefined])[] = [
  ...['2.10.0', '2.11.0', '2.12.1', '2.13.0', '2.13.9', '2.14.1', '2.15.0', '3.13.0'].map(
    (version): readonly [string, Files, string] => [
      version,
      libtorchFiles(`${version}+cpu`),
      version.replace(/\.\d+$/, ''),
    ],
  ),
  ['2.13.0 for CUDA', libtorchFiles('2.13.0+cu130'), '2.13'],
  ['a version between two', libtorchFiles('2.14.0a0+git1234567'), '2.14'],
  ['a header only', { ...nameless, 'include/torch/headeronly/version.h': header([2, 12, 1]) }, '2.12'],
  [
    'a header only, too new',
    { ...nameless, 'include/torch/headeronly/version.h': header([2, 15, 0]) },
    '2.15',
  ],
  ['rubbish', libtorchFiles('<html>'), undefined],
  ['rubbish in the header', { ...nameless, 'include/torch/version.h': '#define TORCH_VERSION' }, undefined],
  ['nothing', nameless, undefined],
];
const ACCEPTED = ['2.11', '2.12', '2.13', '2.14'];

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a build takes 2.11 to 2.14', () => {
  test.each(FOUND)('%s', (_name, files, minor) => {
    const path = writeFiles(temporaryFolder(), files);
    const expected = minor === undefined ? NO_VERSION : ACCEPTED.includes(minor) ? 'none' : OTHER;
    expect(codeOf(() => locateLibtorch({ path, needsHeaders: true }))).toBe(expected);
  });
});

describe.each([
  ['the prebuilt addon', BUILD_VERSION, `prebuilds/linux-${process.arch}/cifar10-torch.glibc.node`],
  ['an own build for 2.11', '2.11.0', 'build/Release/cifar10_torch.node'],
  ['an own build for 2.12', '2.12.1', 'build/Release/cifar10_torch.node'],
  ['an own build for 2.14', '2.14.0', 'build/Release/cifar10_torch.node'],
])('%s opens its own minor version only', (_what, builtFor, addon) => {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-loader-'));
  let loader: string;
  beforeAll(() => {
    loader = compileLoader(folder, builtFor);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(FOUND)('%s', (_name, files, minor) => {
    const root = writeFiles(temporaryFolder(), { [addon]: 'an addon' });
    copyFileSync(loader, join(root, dirname(addon), 'cifar10_torch_loader.so'));
    vi.stubEnv('CIFAR10_TORCH_PREBUILD', root); // where node-gyp-build looks in place of the package
    vi.stubEnv('LIBTORCH', writeFiles(temporaryFolder(), files));
    onTestFinished(() => void vi.unstubAllEnvs());
    const expected = minor === undefined ? NO_VERSION : builtFor.startsWith(`${minor}.`) ? OPENED : OTHER;
    expect(codeOf(loadNative)).toBe(expected);
  });
});

/** The real loader, as it is beside an addon for this version. */
function compileLoader(folder: string, version: string): string {
  const path = join(folder, 'loader.so');
  const include = join(PACKAGE_ROOT, 'node_modules/node-api-headers/include');
  const words = ['-shared', '-fPIC', '-std=c++20', '-DNAPI_VERSION=8', `-I${include}`, '-o', path];
  const define = `-DCIFAR10_TORCH_LIBTORCH_VERSION="${version}"`;
  const sources = ['loader.cpp', 'open_library.cpp'].map((name) => join(PACKAGE_ROOT, 'native/loader', name));
  // Bound when it is opened: a function that is missing is then an error, and not the end of the process at its first call.
  execFileSync('c++', [...words, '-Wl,-z,now', define, ...sources]);
  return path;
}
