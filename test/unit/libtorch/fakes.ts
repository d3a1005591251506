// Small stand-ins for LibTorch: folders and archives with the right names and a few bytes in each file.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished, vi } from 'vitest';

export type Files = Record<string, string | Buffer>;

/** The files of a whole LibTorch; `version` as in build-version. */
export function libtorchFiles(version = '2.13.0+cpu'): Files {
  return {
    'build-version': `${version}\n`,
    'include/ATen/ATen.h': '#pragma once\n',
    'lib/libc10.so': 'c10',
    'lib/libgomp-a34b3233.so.1': 'gomp',
    'lib/libtorch.so': 'torch',
    'lib/libtorch_cpu.so': 'torch_cpu',
    'lib/libtorch_python.so': 'not needed',
  };
}

export function withPrefix(prefix: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [prefix + name, text]));
}

export function without(files: Files, name: string): Files {
  return Object.fromEntries(Object.entries(files).filter(([other]) => other !== name));
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeFiles(folder: string, files: Files): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Writes a zip archive, uncompressed so that a test can damage single bytes; names are taken as they are. */
export function writeZip(path: string, files: Files): string {
  const script = `
import base64, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for name, text in json.load(sys.stdin).items():
        archive.writestr(name, base64.b64decode(text))`;
  const encoded = Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')]);
  const input = JSON.stringify(Object.fromEntries(encoded));
  execFileSync('python3', ['-c', script, path], { input });
  return path;
}

interface WheelOptions {
  /** As its content says it. */
  variant?: string;
  /** As its name says it. */
  version?: string;
  /** Lines of its metadata. */
  requirement?: string;
  /** Beside those of every variant. */
  files?: Files;
}

/** A wheel that pip accepts as torch 2.13.0. */
export function writeWheel(folder: string, options: WheelOptions = {}): string {
  const { variant = 'cpu', version = `2.13.0+${variant}`, requirement = '', files = {} } = options;
  const content = { ...without(libtorchFiles(), 'build-version'), ...files };
  return writePackage(folder, 'torch', version, requirement, {
    ...withPrefix('torch/', content),
    'torch/version.py': `__version__ = '2.13.0+${variant}'\n`,
  });
}

/** A wheel of NVIDIA's with one library. */
export function writeNvidiaWheel(folder: string, name: string, library: string, content: string | Buffer) {
  return writePackage(folder, name, '13.0', '', { [`nvidia/cu13/lib/${library}`]: content });
}

function writePackage(
  folder: string,
  name: string,
  version: string,
  requirement: string,
  files: Files,
): string {
  const info = `${name}-${version}.dist-info`;
  return writeZip(join(folder, `${name}-${version}-py3-none-any.whl`), {
    ...files,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${requirement}`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: '',
  });
}

/** An empty cache, no LIBTORCH, no Python and a site that refuses connections: nothing of the machine is seen. */
export function isolate(): string {
  const cache = join(temporaryFolder(), 'cache');
  vi.stubEnv('CIFAR10_TORCH_CACHE', cache);
  vi.stubEnv('LIBTORCH', '');
  vi.stubEnv('PYTHON', '/nonexistent/python3');
  vi.stubEnv('CIFAR10_TORCH_LIBTORCH_URL', 'http://127.0.0.1:1/libtorch.zip');
  onTestFinished(() => void vi.unstubAllEnvs());
  return cache;
}
