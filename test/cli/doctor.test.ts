import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { DoctorReport } from '../../lib/index.js';
import { temporaryFolder } from '../support.js';
import { writeFakeLibtorch } from '../unit/doctor/fake-libraries.js';
import { collect, jsonLines, runCli, startCli } from './run-cli.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** The environment with a fake LibTorch whose opening runs the C++ statements `body`. */
function broken(body: string) {
  return { env: { LIBTORCH: writeFakeLibtorch(join(folder, 'fake'), body) } };
}

test('a healthy installation: aligned lines of at most 80 columns, a sum at the end, exit code 0', async () => {
  const env = { CIFAR10_TORCH_CACHE: folder };
  const { exitCode, stdout, stderr } = await runCli(['doctor'], { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^\d+ ok, \d+ warnings?, 0 failures$/);
  expect(lines).toContain('      Next step: run `npx cifar10-torch download`');
  for (const line of lines.filter((line) => !/\S{50}/.test(line)))
    expect(line.length).toBeLessThanOrEqual(80);
  const columns = lines
    .filter((line) => /^(ok|warn|FAIL) /.test(line))
    .map((line) => /^.{6}(\S+ )*\s*/.exec(line)?.[0]);
  expect(new Set(columns.map((start) => start?.length)).size).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('--json prints the report and nothing else', async () => {
  const { exitCode, stdout, stderr } = await runCli(['doctor', '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const [report, ...more] = jsonLines(stdout) as DoctorReport[];
  expect(more).toEqual([]);
  expect(report?.isHealthy).toBe(true);
  for (const check of report?.checks ?? [])
    expect(check).toEqual({
      name: expect.any(String),
      status: expect.stringMatching(/^(ok|warning)$/),
      found: expect.any(String),
      details: expect.any(Object),
      ...(check.status === 'ok' ? {} : { nextStep: expect.any(String) }),
    });
});

test('a LibTorch that crashes: one finding, exit code 1, and doctor itself lives', async () => {
  const { exitCode, stdout, stderr } = await runCli(['doctor'], broken('abort();'));
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(stdout).toMatch(/^FAIL {2}addon loads {3}the process [\s\S]*SIGABRT\n {6}Next step: /m);
  expect(stdout).toMatch(/ 1 failure\n$/);
});

test('chatter of a library on stdout does not hide the answer', async () => {
  const { exitCode, stdout } = await runCli(['doctor'], { env: { ONEDNN_VERBOSE: '1' } });
  expect({ exitCode }).toEqual({ exitCode: 0 });
  expect(stdout).toMatch(/^ok {4}addon loads/m);
});

test('SIGINT while a LibTorch hangs ends it soon', async () => {
  const child = startCli(['doctor', '--json'], broken('for (;;) sleep(1);'));
  let sentMs = 0;
  child.stderr?.on('data', (chunk) => {
    if (!String(chunk).includes('still waiting')) return;
    sentMs = performance.now();
    child.kill('SIGINT');
  });
  const { exitCode, stdout } = await collect(child);
  expect(performance.now() - sentMs).toBeLessThan(10_000);
  expect(exitCode).toBe(130);
  expect(jsonLines(stdout)).toMatchObject([{ error: { code: 'ABORTED' } }]);
});
