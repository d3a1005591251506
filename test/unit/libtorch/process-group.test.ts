import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runGroup } from '../../../lib/libtorch/process-group.js';
import { PACKAGE_ROOT } from '../../../lib/package-root.js';

function run(script: string, signal = new AbortController().signal) {
  const lines: string[] = [];
  const add = (line: string) => lines.push(line);
  const options = { env: process.env, signal, onStdout: add, onStderr: add };
  return { lines, end: runGroup('/bin/sh', ['-c', script], options) };
}

const isAlive = (pid: string | undefined) => {
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
};

async function untilGone(pid: string | undefined): Promise<void> {
  expect(Number(pid)).toBeGreaterThan(1);
  for (let round = 0; round < 50 && isAlive(pid); round += 1) await sleep(100);
  expect(isAlive(pid)).toBe(false);
}

test('lines and exit code', async () => {
  const { lines, end } = run('echo out; echo err >&2; exit 4');
  expect(await end).toBe(4);
  expect(lines.sort()).toEqual(['err', 'out']);
});

test('a program that is missing', async () => {
  const options = { env: process.env, onStdout: () => {}, onStderr: () => {} };
  const signal = new AbortController().signal;
  await expect(runGroup('/nonexistent/program', [], { ...options, signal })).rejects.toThrow(/ENOENT/);
  await expect(
    runGroup('/nonexistent/program', [], { ...options, signal: AbortSignal.abort() }),
  ).rejects.toThrow(/ENOENT/);
});

test.each([
  ['what it has started', 'sleep 60 & echo $!; wait'],
  ['what ignores SIGTERM and holds the outputs', `trap '' TERM; sleep 60 & echo $!; while :; do wait; done`],
])('an abort ends the program and %s', async (_, script) => {
  const controller = new AbortController();
  const { lines, end } = run(script, controller.signal);
  while (lines.length === 0) await sleep(20);
  const startedMs = performance.now();
  controller.abort();
  expect(await end).toBeNull();
  expect(performance.now() - startedMs).toBeLessThan(8000);
  await untilGone(lines[0]);
});

test('what holds the outputs open does not hold up the result', async () => {
  const startedMs = performance.now();
  expect(await run('sleep 60 & exit 3').end).toBe(3);
  expect(performance.now() - startedMs).toBeLessThan(8000);
});

test('process.exit takes the program with it', async () => {
  const module = join(PACKAGE_ROOT, 'dist/lib/libtorch/process-group.js');
  const source = `
    const { runGroup } = await import(${JSON.stringify(module)});
    const onStdout = (line) => { console.log(line); setImmediate(() => process.exit(0)); };
    const signal = new AbortController().signal;
    await runGroup('/bin/sh', ['-c', 'sleep 60 & echo $!; wait'], { env: process.env, signal, onStdout, onStderr() {} });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source]);
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  await once(child, 'close');
  await untilGone(stdout.trim());
});
