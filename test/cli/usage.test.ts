import { expect, test } from 'vitest';
import { locateLibtorch } from '../../lib/libtorch/index.js';
import { VERSION } from '../../lib/version.js';
import { jsonLines, runCli } from './run-cli.js';

// No LibTorch and no network: whoever loads the addon fails.
const BARE = { env: { LIBTORCH: '/nonexistent', CIFAR10_TORCH_CACHE: '/nonexistent' } };
test('--version prints the version of the package', async () => {
  const { exitCode, stdout, stderr } = await runCli(['--version'], BARE);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toBe(
    `cifar10-torch ${VERSION}\nLibTorch none\nCUDA none\nNode.js ${process.versions.node}\n`,
  );
});

test('--version names LibTorch and its CUDA', async () => {
  const { version, variant, path } = locateLibtorch();
  expect((await runCli(['--version'])).stdout).toContain(`\nLibTorch ${version} (${variant}) ${path}\n`);
  const { stdout } = await runCli(['--version', '--json']);
  expect(jsonLines(stdout)).toMatchObject([
    { cifar10Torch: VERSION, libtorch: { version, variant }, cuda: null },
  ]);
});

test.each([
  [[], 'no command given'],
  [['trian'], 'use the nearest, "train"'],
  [['frobnicate'], 'Unknown command: frobnicate'],
  [['train', '--nope'], 'Unknown argument: nope'],
  [['train', '--config'], 'Not enough arguments following: config'],
  [['train', '--config', 'a.yaml', '--config', 'b.yaml'], '--config is given more than once'],
  [['evaluate'], 'Missing required argument: checkpoint'],
  [['evaluate', '--checkpoint', 'x', '--tta', '5'], 'Choices: 0, 1, 2'],
  [['evaluate', '--checkpoint', 'x', '--threads', 'two'], '--threads: expected an integer from 1 to 1024'],
  [['infer', '--test_dir', 'x'], 'Missing required argument: checkpoint'],
  [['infer', '--test-dir', 'x', '--checkpoint', 'x', '--top-k', '11'], 'found 11'],
  [['infer', '--test-dir', 'x', '--checkpoint', 'x', '--output', 'a.txt'], 'found .txt'],
  [['download', 'somewhere'], 'Unknown command: somewhere'],
  [['config'], 'no command given after "config"'],
  [['runs', 'show'], 'Not enough non-option arguments'],
  [['train', '--resume'], '--resume names no run'],
  [['completion', 'tcsh'], 'Choices: "bash", "zsh", "fish"'],
])('wrong usage %j is one line and exit code 2', async (words, expected) => {
  const { exitCode, stdout, stderr } = await runCli(words, BARE);
  expect(exitCode).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error USAGE: .*Next step: .*\n$/);
  expect(stderr).toContain(expected);
});

test('wrong usage under --json is one JSON object on stdout', async () => {
  const { exitCode, stdout } = await runCli(['train', '--nope', '--json'], BARE);
  expect(exitCode).toBe(2);
  expect(jsonLines(stdout)).toEqual([
    { error: { code: 'USAGE', message: expect.stringContaining('Unknown argument: nope') } },
  ]);
});

test('the stack is printed only with DEBUG', async () => {
  const words = ['evaluate', '--checkpoint', '/nonexistent'];
  const debugged = await runCli(words, { env: { DEBUG: '1' } });
  expect((await runCli(words)).stderr).not.toContain('    at ');
  expect(debugged.stderr).toContain('    at ');
});

test('--libtorch is used or refused, never passed over', async () => {
  const { exitCode, stdout } = await runCli(['doctor', '--json', '--libtorch', '/nonexistent']);
  expect(exitCode).toBe(1);
  const [report] = jsonLines(stdout) as [{ isHealthy: boolean; checks: { name: string; found: string }[] }];
  expect(report.isHealthy).toBe(false);
  expect(report.checks.find(({ name }) => name === 'LibTorch')?.found).toContain('/nonexistent');
});

test('doctor prints a line for each check and the next step of what fails', async () => {
  const healthy = await runCli(['doctor']);
  expect(healthy).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^ok {4}addon loads/m) });
  const unhealthy = await runCli(['doctor'], BARE);
  expect(unhealthy.exitCode).toBe(1);
  expect(unhealthy.stdout).toMatch(/^FAIL {2}LibTorch .*\n {6}Next step: /m);
});
