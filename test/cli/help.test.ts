// The help texts, each held by a snapshot: a change of the command line shows in a diff.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { COMMANDS, createParser } from '../../bin/parser.js';
import { helpFileName } from '../../bin/prepared-help.js';
import { CLI, runCli } from './run-cli.js';

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

    test('has three examples at least, which a shell can read', async () => {
      const { stdout } = await runCli([...command, '--help'], BARE);
      const examples =
        stdout.slice(stdout.indexOf('Examples:')).match(/^ {2}(?:\S+ )?cifar10-torch .*$/gm) ?? [];
      expect(examples.length).toBeGreaterThanOrEqual(3);
      const script = examples.map((line) => line.replace(/<[^>]*>/g, 'x')).join('\n');
      expect(spawnSync('bash', ['-n', '-c', script], { encoding: 'utf8' }).stderr).toBe('');
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

test('--help finds the command among options and arguments', async () => {
  const help = async (...words: string[]) => (await runCli([...words, '--help'], BARE)).stdout;
  const train = await help('train');
  expect(await help('train', 'training.epochs=2')).toBe(train);
  expect(await help('--quiet', 'train')).toBe(train);
  expect(await help('config', 'show', 'model=fast')).toBe(await help('config', 'show'));
  expect(await help('config-show')).not.toBe(await help('config', 'show'));
});

test('--help comes nearly as fast as Node.js itself, without the parser', () => {
  const fastestMs = (args: string[]) => {
    const times = Array.from({ length: 7 }, () => {
      const startedMs = performance.now();
      spawnSync(process.execPath, args);
      return performance.now() - startedMs;
    });
    return Math.min(...times);
  };
  // Loading the parser alone doubles it.
  expect(fastestMs([CLI, 'train', '--help'])).toBeLessThan(1.8 * fastestMs(['-e', '0']));
});
