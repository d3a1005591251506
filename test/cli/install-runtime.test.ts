// The command as a user runs it, in real processes, against a site of its own with a small archive.

import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support.js';
import { type Files, libtorchFiles, withPrefix, writeFiles, writeZip } from '../unit/libtorch/fakes.js';
import { type CliOptions, collect, jsonLines, runCli, startCli } from './run-cli.js';

const WAITS = 'waiting for it';
const INSTALLED = 'libtorch-2.13.0-cpu';
const WORDS = ['install-runtime', '--json'];
const CPU = [...WORDS, '--variant', 'cpu'];
// The permissions of a folder do not bind root, except without root's capabilities.
const UNPRIVILEGED = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all'] : [];

let folder: string;
let cache: string;
let env: Record<string, string>;
beforeEach(() => {
  folder = temporaryFolder();
  cache = join(folder, 'cache');
  // Python of the machine is not seen, and nvidia-smi says nothing. The files of a driver are seen where there are any: a
  // test whose end depends on one brings its own nvidia-smi, names the variant, or gives the archive.
  env = { CIFAR10_TORCH_CACHE: cache, PYTHON: '/nonexistent/python3', PATH: withNvidiaSmi('exit 9') };
});

/** A PATH on which nvidia-smi is this script. */
function withNvidiaSmi(script: string): string {
  writeFiles(folder, { 'bin/nvidia-smi': `#!/bin/sh\n${script}\n` });
  chmodSync(join(folder, 'bin/nvidia-smi'), 0o755);
  return `${folder}/bin:${process.env.PATH}`;
}

function archive(files: Files = libtorchFiles()): Buffer {
  return readFileSync(writeZip(join(folder, 'libtorch.zip'), withPrefix('libtorch/', files)));
}

/** So many files that unpacking them takes seconds. */
function largeArchive(): Buffer {
  const headers = Array.from({ length: 20_000 }, (_, index) => [
    `include/ATen/ops/h${index}.h`,
    '#pragma once\n',
  ]);
  return archive({ ...Object.fromEntries(headers), ...libtorchFiles() });
}

/** Serves the bytes as the official archive, each time after what is waited for, and counts the requests. */
async function serve(body: Buffer, wait: () => Promise<unknown> = async () => undefined) {
  const seen = { requestCount: 0, mostAtOnce: 0 };
  let openCount = 0;
  const server = createServer(async (_, response) => {
    seen.requestCount += 1;
    openCount += 1;
    seen.mostAtOnce = Math.max(seen.mostAtOnce, openCount);
    await wait();
    openCount -= 1;
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  env.CIFAR10_TORCH_LIBTORCH_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/libtorch.zip`;
  return seen;
}

/** When this has come on stderr, in whatever pieces; after half a minute anyway, so that the expectations say what lacks. */
function printed(child: ChildProcess, text: string): Promise<unknown> {
  let all = '';
  const seen = new Promise<void>((resolve) => {
    child.stderr?.on('data', (piece) => {
      all += piece;
      if (all.includes(text)) resolve();
    });
  });
  return Promise.race([seen, sleep(30_000, undefined, { ref: false })]);
}

/** Runs both at once; the site answers when one of them says that it waits for the other. */
async function runBoth(first: readonly string[], second: readonly string[]) {
  let waits: Promise<unknown> = Promise.resolve();
  const seen = await serve(archive(), () => waits);
  const children = [startCli(first, { env }), startCli(second, { env })] as const;
  waits = Promise.race(children.map((child) => printed(child, WAITS)));
  const results = await Promise.all([collect(children[0]), collect(children[1])]);
  expect(results.filter(({ stderr }) => stderr.includes(WAITS))).toHaveLength(1);
  return { results, seen };
}

function left(): string[] {
  return existsSync(cache) ? readdirSync(cache).sort() : [];
}

async function failure(words: readonly string[], options: CliOptions = {}) {
  const { exitCode, stdout } = await runCli(words, { ...options, env: { ...env, ...options.env } });
  const [{ error }] = jsonLines(stdout) as [{ error: { code: string; message: string } }];
  expect(error.message).toContain('Next step: ');
  return { exitCode, ...error };
}

test.each([
  ['cu13', 'use the nearest, "cu130"'],
  ['cu128', 'use the nearest, "cu126"'],
  ['gpu', 'use the nearest, "cpu"'],
  ['nonsense', '--help'],
])('--variant %s: exit code 2 and %s', async (variant, nextStep) => {
  const result = await failure([...WORDS, '--variant', variant]);
  expect(result).toMatchObject({ exitCode: 2, code: 'USAGE' });
  expect(result.message).toContain(`Given: "${variant}", Choices: "auto", "cpu", "cu126", "cu130"`);
  expect(result.message).toContain(nextStep);
});

test('auto goes by the driver: one for CUDA comes with pip, and no archive for the processor instead', async () => {
  env.PATH = withNvidiaSmi("echo '580.65.06, 9.0'");
  env.CIFAR10_TORCH_LIBTORCH_URL = '';
  expect(await failure(WORDS)).toMatchObject({
    exitCode: 1,
    code: 'PYTHON_NOT_FOUND',
    message: expect.stringContaining('or run `npx cifar10-torch install-runtime --variant cpu`'),
  });
  expect(left()).toEqual([]);
});

test('what is there is kept by auto, which offers in one line what fits the driver, and not by --variant', async () => {
  await serve(archive());
  expect(await runCli(CPU, { env })).toMatchObject({ exitCode: 0 });
  env.PATH = withNvidiaSmi("echo '535.129.03, 8.0'");
  const { exitCode, stdout, stderr } = await runCli(WORDS, { env });
  expect(exitCode).toBe(0);
  expect(jsonLines(stdout)).toEqual([
    { path: join(cache, INSTALLED), version: '2.13.0', variant: 'cpu', source: 'cache' },
  ]);
  expect(stderr).toMatch(/^LibTorch 2\.13\.0 \(cpu\) is kept; .*driver 535\.129\.03.*--variant cu126`\n$/);
  expect(await failure([...WORDS, '--variant', 'cu126'])).toMatchObject({ exitCode: 1 });
  expect(left()).toEqual([INSTALLED]);
});

test.each([
  ['of another version', () => archive(libtorchFiles('2.10.0+cpu')), [], 'LIBTORCH_VERSION'],
  ['of another variant', () => archive(), ['--variant', 'cu130'], 'LIBTORCH_ARCHIVE_INVALID'],
  ['that was cut off', () => archive().subarray(0, 500), [], 'LIBTORCH_ARCHIVE_INVALID'],
  ['with a damaged library', () => damaged(archive()), [], 'LIBTORCH_ARCHIVE_INVALID'],
  ['that is a page', () => Buffer.from('<html>log in</html>'), [], 'LIBTORCH_ARCHIVE_INVALID'],
])('an archive %s is refused and nothing of it stays', async (_what, make, words, code) => {
  const from = join(folder, 'given.zip');
  writeFileSync(from, make());
  expect(await failure([...WORDS, '--from', from, ...words])).toMatchObject({ exitCode: 1, code });
  expect(left()).toEqual([]);
});

function damaged(whole: Buffer): Buffer {
  return Buffer.from(whole.toString('latin1').replace('.sotorch_cpu', '.soTorch_cpu'), 'latin1');
}

test('a damaged archive of the site is thrown away, and the error names both ways', async () => {
  await serve(damaged(archive()));
  expect(await failure(CPU)).toMatchObject({ exitCode: 1, code: 'PYTHON_NOT_FOUND' });
  expect(left()).toEqual([]);
  await serve(archive());
  expect(await runCli(CPU, { env })).toMatchObject({ exitCode: 0 });
  expect(left()).toEqual([INSTALLED]);
});

test('what an installer killed while it unpacks leaves behind is mended by the next one', async () => {
  await serve(largeArchive());
  const child = startCli(CPU, { env });
  const ended = collect(child);
  await printed(child, 'Unpacking');
  while (child.exitCode === null && !left().some((name) => name.endsWith('.tmp'))) await sleep(5);
  child.kill('SIGKILL');
  expect((await ended).exitCode).toBeNull();
  const half = left().filter((name) => name.endsWith('.tmp'));
  expect(half).toHaveLength(1);
  expect(left()).not.toContain(INSTALLED);
  expect(await runCli(CPU, { env })).toMatchObject({ exitCode: 0 });
  expect(left()).toEqual([INSTALLED]);
  const headers = readdirSync(join(cache, INSTALLED, 'include/ATen/ops'));
  expect(headers).toHaveLength(20_000);
});

test('two at once: one fetches, the other waits, and both end well', async () => {
  const { results, seen } = await runBoth(CPU, CPU);
  expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(results[0].stdout).toBe(results[1].stdout);
  expect(seen.requestCount).toBe(1);
  expect(left()).toEqual([INSTALLED]);
});

test('two that want different variants wait for each other as well', async () => {
  const { results, seen } = await runBoth(CPU, [...WORDS, '--variant', 'cu130']);
  expect(results[0].exitCode).toBe(0);
  expect(results[1].stdout).toContain('PYTHON_NOT_FOUND');
  expect(seen).toEqual({ requestCount: 2, mostAtOnce: 1 });
  expect(left()).toEqual([INSTALLED]);
});

test('a cache that may not be written', async () => {
  await serve(archive());
  mkdirSync(cache);
  chmodSync(cache, 0o555);
  onTestFinished(() => chmodSync(cache, 0o755));
  expect(await failure(CPU, { launcher: UNPRIVILEGED })).toMatchObject({ exitCode: 1, code: 'NOT_WRITABLE' });
  expect(left()).toEqual([]);
});

test('a home that may not be written, without another place for the cache', async () => {
  await serve(archive());
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o555 });
  const options = {
    launcher: UNPRIVILEGED,
    env: { CIFAR10_TORCH_CACHE: '', HOME: home, XDG_CACHE_HOME: '' },
  };
  const result = await failure(CPU, options);
  expect(result).toMatchObject({ exitCode: 1, code: 'NOT_WRITABLE' });
  expect(result.message).toContain(home);
  expect(readdirSync(home)).toEqual([]);
});

test.each([
  ['for what is unpacked', '6m'],
  ['for the archive', '3m'],
])('a disk without room %s: nothing half-written stays', async (_what, size) => {
  await serve(archive({ ...libtorchFiles(), 'lib/libtorch_cpu.so': 'x'.repeat(4 << 20) }));
  const rest = join(folder, 'rest');
  const script = `
    mkdir -p ${cache} && mount -t tmpfs -o size=${size} none ${cache}
    "$@"
    exitCode=$?
    ls -A ${cache} > ${rest}
    exit $exitCode`;
  const launcher = ['unshare', '--map-root-user', '--mount', 'bash', '-c', script, 'bash'];
  expect(await failure(CPU, { launcher })).toMatchObject({ exitCode: 1, code: 'DISK_FULL' });
  // The part of a download is gone on with by the next attempt.
  expect(readFileSync(rest, 'utf8')).not.toMatch(/\.tmp|^libtorch|\.zip$/m);
});
