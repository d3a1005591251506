// The help texts, each held by a snapshot: a change of the command line shows in a diff.
import { describe, expect, test } from 'vitest';
import { COMMANDS, createParser } from '../../bin/parser.js';
import { helpFileName } from '../../bin/prepared-help.js';
import { runCli } from './run-cli.js';

// No LibTorch and no network: whoever loads the addon fails.
const BARE = { env: { LIBTORCH: '/nonexistent', CIFAR10_TORCH_CACHE: '/nonexistent' } };

describe.each(COMMANDS.map((command) => [command.join(' ') || 'cifar10-torch', command] as const))(
  '%s',
  (_name, command) => {
    test('--help is as the snapshot has it, in 80 columns', async () => {
      const { exitCode, stdout, stderr } = await runCli([...command, '--help'], BARE);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      await expect(stdout).toMatchFileSnapshot(`./help/${helpFileName(command)}`);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    });

    test('has three examples at least', async () => {
      const { stdout } = await runCli([...command, '--help'], BARE);
      const examples =
        stdout.slice(stdout.indexOf('Examples:')).match(/^ {2}\S.*cifar10-torch |^ {2}cifar10-torch/gm) ?? [];
      if (command.join() !== 'runs') expect(examples.length).toBeGreaterThanOrEqual(3);
    });

    test('is what the parser itself would print', async () => {
      const words = [...command, '--help'];
      const printed = await new Promise<string>((resolve) => {
        createParser(words).parse(words, {}, (_error, _args, output) => resolve(output));
      });
      expect((await runCli(words, BARE)).stdout).toBe(`${printed}\n`);
    });
  },
);

test('--help of a command that does not exist, and after arguments', async () => {
  expect((await runCli(['train', 'training.epochs=2', '--help'], BARE)).stdout).toContain('--multirun');
  const { stdout, exitCode } = await runCli(['trian', '--help'], BARE);
  expect({ exitCode, isHelp: stdout.includes('Commands:') || stdout === '' }).toMatchObject({ isHelp: true });
});
