import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { describeEnd, excerpt, mainLine, runChild } from '../../lib/child.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';

const run = (script: string, options: Partial<Parameters<typeof runChild>[2]> = {}) =>
  runChild('/bin/sh', ['-c', script], { timeoutMs: 10_000, ...options });

test.each([
  ['echo out; echo err >&2; exit 4', 'ended with exit code 4'],
  ['kill -ABRT $$', 'was killed by SIGABRT'],
])('%s: %s', async (script, expected) => {
  expect(describeEnd((await run(script)).end)).toBe(expected);
});

test('both outputs are collected', async () => {
  expect(await run('echo out; echo err >&2')).toMatchObject({ stdout: 'out\n', stderr: 'err\n' });
});

test('a program that is missing is a result', async () => {
  const { end } = await runChild('/nonexistent/program', [], { timeoutMs: 1000 });
  expect(describeEnd(end)).toMatch(/^could not be started: .*ENOENT/);
});

test('after the timeout the program is gone', async () => {
  const { end, stdout } = await run('echo $$; exec sleep 60', { timeoutMs: 1000 });
  expect(describeEnd(end)).toBe('gave no answer within 1 s');
  await sleep(200);
  expect(() => process.kill(Number(stdout), 0)).toThrow(/ESRCH/);
});

test('a grandchild that keeps the outputs open does not hold up the result', async () => {
  const startedMs = performance.now();
  await run('sleep 20 & exit 0', { timeoutMs: 1000 });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

test('a signal that is aborted already stops it', async () => {
  expect((await run('sleep 60', { signal: AbortSignal.abort() })).end).toEqual({ kind: 'stopped' });
});

test('a missing program that is stopped at once takes nothing else with it', async () => {
  const module = join(PACKAGE_ROOT, 'dist/lib/child.js');
  const source = `
    const { runChild } = await import(${JSON.stringify(module)});
    const { end } = await runChild('/nonexistent/program', [], { timeoutMs: 1000, signal: AbortSignal.abort() });
    console.log(end.kind);`;
  // In a process group of its own, which a signal to the process 0 would end as a whole.
  const args = ['--input-type=module', '--eval', source];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stdout).toBe('stopped\n');
});

test('of a long output the end is kept', async () => {
  const { stdout } = await run('yes rubbish | head -c 1000000; echo; echo answer');
  expect(stdout.length).toBeLessThan(100_000);
  expect(stdout.endsWith('\nanswer\n')).toBe(true);
});

test('excerpts are short and printable', () => {
  expect(excerpt('\u001b[31mred\u0000\n')).toBe('[31mred');
  expect(excerpt('x'.repeat(500))).toHaveLength(120);
  expect(mainLine('terminate called\n  what():  bad\n')).toBe('what():  bad');
  expect(mainLine('\nfile.js:1\nTypeError: x\n')).toBe('TypeError: x');
});
