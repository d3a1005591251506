import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CliOptions, jsonLines, runCli, TINY } from './run-cli.js';

// The permissions of a folder do not bind root, except without root's capabilities.
const UNPRIVILEGED = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all'] : [];
const LIMITED_TO_NOTHING = ['bash', '-c', 'ulimit -f 0; exec "$@"', 'bash'];
const LIMITED_TO_6_KIB = ['bash', '-c', 'ulimit -f 6; exec "$@"', 'bash'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-cli-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs with `--json` and checks that stderr and stdout tell the same failure, and only that. */
async function failure(words: readonly string[], options?: CliOptions) {
  const { exitCode, stdout, stderr } = await runCli([...words, '--json', '--quiet'], options);
  const [{ error }, ...more] = jsonLines(stdout) as { error: { code: string; message: string } }[] as [
    { error: { code: string; message: string } },
  ];
  expect(more).toEqual([]);
  expect(stderr).toBe(`error ${error.code}: ${error.message}\n`);
  expect(error.message).toContain('Next step: ');
  return { exitCode, ...error };
}

test.each([
  ['model=resnet21', 'CONFIG_UNKNOWN_OPTION', 'resnet20'],
  ['training.epoch=3', 'CONFIG_UNKNOWN_KEY', 'training.epochs'],
  ['training.optimizer.lr=-1', 'CONFIG_INVALID_VALUE', 'found -1'],
  ['training.optimizer.lr=-1e-3', 'CONFIG_INVALID_VALUE', 'found -0.001'],
  ['data_loading.batch_size=0', 'CONFIG_INVALID_VALUE', 'found 0'],
  ['training', 'CONFIG_INVALID_OVERRIDE', 'at character 9: expected "=" and a value'],
  ['+training.epoch=3', 'CONFIG_UNKNOWN_KEY', 'character 2): expected one of training.seed'],
  ['training.seed=1,2', 'CONFIG_INVALID_OVERRIDE', 'add -m (--multirun)'],
  ['training.seed=${nope}', 'CONFIG_INTERPOLATION', '"nope"'],
  ['training.seed=???', 'CONFIG_VALUE_MISSING', 'add training.seed=<value>'],
])('train %s: %s', async (override, code, expected) => {
  const output = join(folder, 'out');
  const result = await failure(['train', ...TINY, override, `output_dir=${output}`]);
  expect(result).toMatchObject({ exitCode: 2, code, message: expect.stringContaining(expected) });
  expect(existsSync(output)).toBe(false);
});

/** A safetensors file of nothing but this header. */
function headerOnly(header: object): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json]);
}

const TITLE = '\u001b]0;pwned\u0007\u001b[31m\u009b2J\u202e';

test.each([
  ['with control characters', TITLE, String.raw`"\x1b]0;pwned\x07\x1b[31m\x9b2J\u202e" to have a dtype`],
  ['with lines of its own', 'a\nerror: b', String.raw`"a\x0aerror: b" to have a dtype`],
  ['that is endless', 'x'.repeat(900_000), `"${'x'.repeat(200)}… (cut, 900000 characters)" to have a dtype`],
])('evaluate with a checkpoint that has a name %s shows it as text', async (_, name, shown) => {
  const path = join(folder, 'hostile.safetensors');
  writeFileSync(path, headerOnly({ [name]: 1 }));
  const { message } = await failure(['evaluate', '--checkpoint', path]);
  expect(message).toContain(shown);
  const { stderr } = await runCli(['evaluate', '--checkpoint', path], { env: { DEBUG: '1' } });
  expect(stderr).toContain(shown);
  expect(stderr).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}/u);
  expect(stderr.length).toBeLessThan(5000);
});

test('train with a config file that is missing', async () => {
  const result = await failure(['train', '--config', join(folder, 'none.yaml')]);
  expect(result).toMatchObject({ exitCode: 2, code: 'CONFIG_FILE_NOT_FOUND' });
});

test.each(['evaluate', 'infer'])('%s with a checkpoint that is missing', async (command) => {
  writeFileSync(join(folder, 'a.png'), '');
  const images = command === 'infer' ? ['--test-dir', folder] : [];
  const result = await failure([command, '--checkpoint', join(folder, 'none.safetensors'), ...images]);
  expect(result).toMatchObject({ exitCode: 1, code: 'CHECKPOINT_NOT_FOUND' });
});

test('evaluate with a file that is no checkpoint', async () => {
  const path = join(folder, 'text.safetensors');
  writeFileSync(path, 'not a checkpoint at all');
  const result = await failure(['evaluate', '--checkpoint', path]);
  expect(result).toMatchObject({ exitCode: 1, code: 'CHECKPOINT_INVALID' });
});

test('train into a folder that may not be written: nothing is left', async () => {
  const output = join(folder, 'read-only');
  mkdirSync(output);
  chmodSync(output, 0o555);
  const result = await failure(['train', ...TINY, `output_dir=${output}`], { launcher: UNPRIVILEGED });
  expect(result).toMatchObject({
    exitCode: 1,
    code: 'NOT_WRITABLE',
    message: expect.stringContaining(output),
  });
  expect(readdirSync(output)).toEqual([]);
});

const SHORT = [...TINY, 'model.widths=[32,32]', 'training.epochs=0.1'];

test('train onto a disk that is full before the first step: nothing is left', async () => {
  const output = join(folder, 'out');
  const result = await failure(['train', ...SHORT, `output_dir=${output}`], { launcher: LIMITED_TO_NOTHING });
  expect(result).toMatchObject({
    exitCode: 1,
    code: 'DISK_FULL',
    message: expect.stringContaining('config.yaml'),
  });
  expect(existsSync(output)).toBe(false);
});

test('train onto a disk that is full at the checkpoint: what the run has shown is left, nothing half-written', async () => {
  const output = join(folder, 'out');
  const result = await failure(['train', ...SHORT, `output_dir=${output}`], { launcher: LIMITED_TO_6_KIB });
  expect(result).toMatchObject({
    exitCode: 1,
    code: 'DISK_FULL',
    message: expect.stringContaining('/checkpoint.safetensors'),
  });
  const { stdout } = await runCli(['runs', '--dir', output, '--json']);
  const [[run]] = jsonLines(stdout) as [[{ status: string; error: { code: string }; runDir: string }]];
  expect(run).toMatchObject({ status: 'failed', checkpoint: null, error: { code: 'DISK_FULL' } });
  expect(readdirSync(run.runDir).sort()).toEqual([
    'config.yaml',
    'metrics.csv',
    'metrics.jsonl',
    'overrides.yaml',
    'run.json',
    'train.log',
  ]);
});
