import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLASS_NAMES } from '../../lib/dataset/index.js';
import { jsonLines, runCli, startCli, TINY } from './run-cli.js';

const IMAGE_NAMES = ['a.png', 'b.png', 'sub/c.jpg'];

let folder: string;
let images: string;
let checkpoint: string;
let trainOutput: { stdout: string; stderr: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-cli-'));
  images = join(folder, 'images');
  mkdirSync(join(images, 'sub'), { recursive: true });
  const background = { r: 30, g: 90, b: 200 };
  const image = sharp({ create: { width: 32, height: 32, channels: 3, background } });
  for (const name of IMAGE_NAMES) await image.clone().toFile(join(images, name));
  trainOutput = await runCli(['train', ...TINY, 'training.epochs=2', `output_dir=${folder}/out`, '--json']);
  checkpoint = (JSON.parse(trainOutput.stdout) as { checkpoint: string }).checkpoint;
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function infer(...words: string[]) {
  return runCli(['infer', '--test_dir', images, '--checkpoint_name', checkpoint, ...words]);
}

/** Runs with a text file named .png among the images. */
async function withBadImage<Result>(work: (path: string) => Promise<Result>): Promise<Result> {
  const path = join(images, 'b-text.png');
  writeFileSync(path, 'no image');
  try {
    return await work(path);
  } finally {
    rmSync(path);
  }
}

test('train --json prints the contract and nothing else; progress goes to stderr', () => {
  const [result] = jsonLines(trainOutput.stdout) as [Record<string, unknown>];
  expect(Object.keys(result)).toEqual([
    'checkpoint',
    'runDir',
    'model',
    'seed',
    'epochs',
    'steps',
    'hasEndedEarly',
    'bestEpoch',
    'test',
    'val',
    'durationSeconds',
    'trainSeconds',
    'testSeconds',
    'imagesPerSecond',
    'peakMemoryBytes',
  ]);
  expect(result).toMatchObject({ model: 'cnn', seed: 0, epochs: 2, steps: 20 });
  expect(Object.keys(result.test as object)).toEqual(['accuracy', 'crossEntropy', 'ttaAccuracy']);
  expect(existsSync(checkpoint)).toBe(true);
  expect(trainOutput.stderr).toMatch(
    /^100 % {2}epoch 2\/2 {2}\d+ img\/s {2}loss \d\.\d+ {2}acc \d+\.\d % {2}0:00 left$/m,
  );
});

test('train tells what was reached and what to run next; --quiet leaves stderr empty', async () => {
  const { exitCode, stdout, stderr } = await runCli([
    'train',
    ...TINY,
    'training.epochs=0.1',
    `output_dir=${folder}/human`,
    '--quiet',
  ]);
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^test accuracy +\d+\.\d\d %$/m);
  expect(stdout).toMatch(/npx cifar10-torch evaluate --checkpoint \S+checkpoint\.safetensors$/m);
  expect(stdout).toMatch(/npx cifar10-torch infer --test_dir <folder> --checkpoint_name \S+\.safetensors$/m);
});

test('evaluate --json prints the contract', async () => {
  const { exitCode, stdout } = await runCli(['evaluate', '--checkpoint', checkpoint, '--tta', '1', '--json']);
  expect(exitCode).toBe(0);
  const [result] = jsonLines(stdout) as [Record<string, unknown>];
  expect(Object.keys(result).sort()).toEqual([
    'accuracy',
    'confusionMatrix',
    'crossEntropy',
    'expectedCalibrationError',
    'imageCount',
    'macroF1',
    'macroPrecision',
    'macroRecall',
    'perClassAccuracy',
    'perClassF1',
    'perClassPrecision',
    'topKAccuracy',
    'ttaAccuracy',
    'ttaCrossEntropy',
    'ttaExpectedCalibrationError',
  ]);
  expect(Object.keys(result.topKAccuracy as object)).toEqual(['2', '3', '5']);
  for (const figure of ['perClassAccuracy', 'perClassPrecision', 'perClassF1'])
    expect(Object.keys(result[figure] as object)).toEqual([...CLASS_NAMES]);
  const matrix = result.confusionMatrix as number[][];
  expect(matrix.map((row) => row.length)).toEqual(new Array(10).fill(10));
  const correct = matrix.reduce((sum, row, label) => sum + (row[label] ?? 0), 0);
  expect(result).toMatchObject({ imageCount: 500, accuracy: correct / 500 });
});

test('evaluate prints overall figures, classes and the confusion matrix in 80 columns', async () => {
  const words = ['evaluate', '--checkpoint-name', checkpoint, '--tta', '1', '--quiet'];
  const { exitCode, stdout } = await runCli(words);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^accuracy +\d+\.\d\d %\n {2}augmented \(TTA\) +\d+\.\d\d %$/m);
  expect(stdout).toMatch(/^top-5 accuracy +\d+\.\d\d %$/m);
  expect(stdout).toMatch(/^cross-entropy +\d\.\d{4}\n {2}augmented \(TTA\) +\d\.\d{4}$/m);
  expect(stdout).toMatch(/^calibration error +\d+\.\d\d %\n {2}augmented/m);
  expect(stdout).toMatch(/^class +precision +recall +F1 +images$/m);
  expect(stdout).toMatch(/^truck +(\d+\.\d\d % +){3}50$/m);
  expect(stdout).toMatch(/^mean +(\d+\.\d\d % +){3}500$/m);
  expect(stdout).toMatch(/^truck( +\d+){10}$/m);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('infer prints a line for each file, in folders below too', async () => {
  const { exitCode, stdout } = await infer();
  expect(exitCode).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual(IMAGE_NAMES.map((name) => join(images, name)));
  for (const line of lines) expect(line).toMatch(/ {2}[a-z]+ +\d+\.\d %$/);
});

test('infer --json prints the contract and --top-k classes', async () => {
  const { exitCode, stdout } = await infer('--json', '--top-k', '2');
  expect(exitCode).toBe(0);
  const records = jsonLines(stdout) as { topK: { label: string; probability: number }[] }[];
  expect(records).toHaveLength(3);
  for (const record of records) {
    expect(Object.keys(record)).toEqual(['file', 'label', 'probability', 'topK']);
    expect(record.topK).toHaveLength(2);
    expect(record).toMatchObject(record.topK[0] as object);
  }
});

test('infer reports a text file named .png, goes on and ends with exit code 1', async () => {
  await withBadImage(async (path) => {
    const { exitCode, stdout, stderr } = await infer('--json');
    expect(exitCode).toBe(1);
    const records = jsonLines(stdout) as { file: string }[];
    expect(records).toHaveLength(4);
    expect(records.find(({ file }) => file === path)).toEqual({
      file: path,
      error: { code: 'IMAGE_INVALID', message: expect.stringContaining(path) },
    });
    expect(stderr).toContain(`skipped IMAGE_INVALID: image "${path}"`);
    expect(stderr).toContain('error SOME_IMAGES_FAILED: 1 of 4 images');
  });
});

test('infer --output writes CSV and JSON lines, failures included', async () => {
  await withBadImage(async (path) => {
    const [csv, jsonl] = [join(folder, 'records.csv'), join(folder, 'records.jsonl')];
    expect(await infer('--output', csv)).toMatchObject({ exitCode: 1, stdout: '' });
    expect(await infer('--output', jsonl)).toMatchObject({ exitCode: 1, stdout: '' });
    const lines = readFileSync(csv, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('file,label,probability,error_code,error_message');
    expect(lines).toHaveLength(5);
    expect(lines.find((line) => line.startsWith(path))).toMatch(/\.png,,,IMAGE_INVALID,"image ""/);
    const records = jsonLines(readFileSync(jsonl, 'utf8')) as { file: string }[];
    expect(records.map(({ file }) => file)).toEqual(lines.slice(1).map((line) => line.split(',')[0]));
  });
});

test('infer --output to a place that cannot be written leaves nothing', async () => {
  const { exitCode, stderr } = await infer('--output', join(checkpoint, 'records.csv'), '--quiet');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error NOT_WRITABLE: .*records\.csv/);
});

test('infer on an empty folder', async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const words = ['infer', '--test-dir', empty, '--checkpoint-name', checkpoint, '--json'];
  const { exitCode, stdout } = await runCli(words);
  expect(exitCode).toBe(1);
  expect(jsonLines(stdout)).toMatchObject([{ error: { code: 'NO_IMAGES_FOUND' } }]);
});

test('a reader of stdout that goes away ends the process quietly', async () => {
  const child = startCli(['infer', '--test-dir', images, '--checkpoint', checkpoint, '--json', '--quiet']);
  child.stdout?.destroy();
  const ended = new Promise<[number | null, string | null]>((resolve) =>
    child.on('exit', (code, signal) => resolve([code, signal])),
  );
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  expect(await ended).toEqual([0, null]);
  expect(stderr).toBe('');
});
