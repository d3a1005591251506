// `config show` and `config keys`, and what the shell is told while an override is being typed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { listOptions, loadConfig } from '../../lib/index.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { temporaryFolder } from '../support.js';
import { CLI, jsonLines, runCli } from './run-cli.js';

test('config show prints YAML that gives the same configuration again', async () => {
  const overrides = ['model=resnet20', 'training.epochs=3', '+experiment=resnet20'];
  const { exitCode, stdout, stderr } = await runCli(['config', 'show', ...overrides]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const path = join(temporaryFolder(), 'shown.yaml');
  writeFileSync(path, stdout);
  expect(loadConfig({ config: path })).toEqual(loadConfig({ overrides }));
});

test('config show keeps references, --resolve replaces them', async () => {
  const words = ['config', 'show', 'output_dir=runs/${oc.env:WHO}'];
  const env = { WHO: 'me' };
  expect(parse((await runCli(words, { env })).stdout)).toMatchObject({ output_dir: 'runs/${oc.env:WHO}' });
  expect(parse((await runCli([...words, '--resolve'], { env })).stdout)).toMatchObject({
    output_dir: 'runs/me',
  });
  const { stdout } = await runCli([...words, '--resolve', '--json'], { env });
  expect(jsonLines(stdout)).toMatchObject([{ output_dir: 'runs/me' }]);
});

test('config show takes a file and a folder of one’s own', async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'training'));
  writeFileSync(join(folder, 'training', 'short.yaml'), 'defaults: [fast94, _self_]\nepochs: 1\n');
  writeFileSync(join(folder, 'mine.yaml'), 'defaults:\n  - training: short\ntraining: {seed: 7}\n');
  const words = ['config', 'show', '--config', join(folder, 'mine.yaml'), '--config-dir', folder];
  expect(parse((await runCli(words)).stdout)).toMatchObject({
    training: { seed: 7, epochs: 1, label_smoothing: 0.2 },
  });
});

test('config show tells what is wrong with file, line and column, without a stack', async () => {
  const path = join(temporaryFolder(), 'bad.yaml');
  writeFileSync(path, 'training:\n  epochs: 2\n  label_smothing: 0.1\n');
  const { exitCode, stdout, stderr } = await runCli(['config', 'show', '--config', path]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(/^error CONFIG_UNKNOWN_KEY: .*bad\.yaml:3:3\).*"training.label_smoothing"\n$/);
});

test('config keys lists every key with default, meaning and range', async () => {
  const { exitCode, stdout } = await runCli(['config', 'keys']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /^training\.epochs = 8\n {4}passes over .*\(a number\n {4}above 0 and at most 100000\)$/m,
  );
  expect(stdout).toMatch(
    /^\nOnly with training\.optimizer\.name=sgd \(defaults of training=fast94_sgd\):\n {4}training\.optimizer\.name = "sgd"$/m,
  );
  expect(stdout).toMatch(
    /^Only with training\.schedule\.name=linear:\n {4}training\.schedule\.name = "linear"$/m,
  );
  expect(stdout).toMatch(/^ {4}training\.schedule\.step_epochs, to be given$/m);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  const [keys] = jsonLines((await runCli(['config', 'keys', 'model=resnet18', '--json'])).stdout) as [
    {
      path: string;
      default: unknown;
      expected: string;
      description: string;
      from: string | null;
      variants: [string, string][];
    }[],
  ];
  expect(keys.every(({ description, expected }) => description !== '' && expected !== '')).toBe(true);
  const toBeGiven = keys
    .filter(({ default: value }) => value === undefined)
    .map(({ variants }) => variants[0]?.[1]);
  expect([...new Set(toBeGiven)]).toEqual(['adam', 'constant', 'step', 'multi_step', 'one_cycle']);
  expect(keys).toContainEqual(expect.objectContaining({ path: 'model.depth', default: 18, from: null }));
});

/** What bash offers behind the line: the real script, in a real bash, with the real program. */
function completions(line: string): string[] {
  const bin = temporaryFolder();
  symlinkSync(CLI, join(bin, 'cifar10-torch'));
  const script = `
    source ${join(PACKAGE_ROOT, 'bin/completion/cifar10-torch.bash')}
    compopt() { :; }
    COMP_LINE=${JSON.stringify(line)} COMP_POINT=${line.length}
    _cifar10_torch
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, SHELL: '/bin/bash' };
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((word) => word !== '');
}

test.each([
  ['cifar10-torch co', ['config', 'completion']],
  ['cifar10-torch train model=resnet1', ['resnet110', 'resnet18']],
  ['cifar10-torch train model=', listOptions('model')],
  ['cifar10-torch models wrn1', ['wrn16_4', 'wrn16_8']],
  ['cifar10-torch train training.opt', expect.arrayContaining(['training.optimizer.lr='])],
  ['cifar10-torch train +exp', ['+experiment=']],
  ['cifar10-torch train training.seed=1 data_loading.drop_last=', ['true', 'false']],
  ['cifar10-torch config show training.device=', ['auto', 'cpu', 'cuda']],
  ['cifar10-torch config sh', ['show']],
  ['cifar10-torch train --multi', ['--multirun']],
  ['cifar10-torch runs show la', ['latest']],
  ['cifar10-torch train --resume la', ['latest']],
  ['cifar10-torch train --config ', []],
  ['cifar10-torch train ~mo', expect.arrayContaining(['~model', '~model.name'])],
  [
    'cifar10-torch train model.name=',
    ['fast', 'cnn', 'cifar_resnet', 'resnet', 'preact_resnet', 'wide_resnet'],
  ],
  ['cifar10-torch train --help ', expect.not.arrayContaining(['Examples:'])],
])('bash completes "%s"', (line, expected) => {
  expect(completions(line)).toEqual(expected);
});

test.each(['bash', 'zsh', 'fish'])('completion %s prints its script', async (shell) => {
  const { stdout } = await runCli(['completion', shell]);
  expect(stdout).toContain(`Completion of cifar10-torch for ${shell}.`);
  expect((await runCli(['completion'], { env: { SHELL: `/usr/bin/${shell}` } })).stdout).toBe(stdout);
});
