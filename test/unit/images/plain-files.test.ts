// Reading ahead: what the threads give is what `decodeImage` gives, and whatever they leave out they leave alone.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeImage, type FoundImage, PlainFiles } from '../../../lib/images/index.js';
import { PACKAGE_ROOT } from '../../../lib/package-root.js';
import { runProcess } from '../../run-process.js';

let folder: string;
let files: PlainFiles;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-plain-'));
  for (let each = 0; each < 100; each++)
    await imageOf(32, each)
      .png({ adaptiveFiltering: each % 2 === 0 })
      .toFile(join(folder, `${each}.png`));
  files = new PlainFiles();
});

afterAll(async () => {
  await files.close();
  rmSync(folder, { recursive: true, force: true });
});

function imageOf(side: number, seed: number) {
  const noise = { type: 'gaussian' as const, mean: 40 + seed, sigma: 20 };
  return sharp({ create: { width: side, height: side, channels: 3, background: 'black', noise } });
}

const found = (path: string | Buffer): FoundImage => ({ name: path.toString(), path: Buffer.from(path) });

test('plain files are decoded, in their order, by several threads at a time', async () => {
  const names = readdirSync(folder);
  const lots = Array.from({ length: 10 }, (_, lot) => names.slice(10 * lot, 10 * (lot + 1)));
  const read = await Promise.all(lots.map((lot) => files.read(lot.map((name) => found(join(folder, name))))));
  const expected = await Promise.all(names.map((name) => decodeImage(join(folder, name))));
  expect(read.flat()).toEqual(expected);
});

test('everything else is left out, and none of it is waited for', async () => {
  const good = join(folder, '0.png');
  const place = (name: string) => join(folder, 'others', name);
  mkdirSync(place(''), { recursive: true });
  await imageOf(33, 0).png().toFile(place('large.png'));
  await imageOf(32, 0).jpeg().toFile(place('jpeg.png'));
  await imageOf(32, 0).ensureAlpha().png().toFile(place('alpha.png'));
  writeFileSync(place('empty.png'), '');
  writeFileSync(place('text.png'), 'no image');
  writeFileSync(place('sparse.png'), Buffer.alloc(1 << 20));
  mkdirSync(place('folder.png'));
  execFileSync('mkfifo', [place('pipe.png')]);
  symlinkSync('/dev/zero', place('device.png'));
  symlinkSync('nowhere', place('lost.png'));
  copyFileSync(good, place('plain.jpg')); // by its name it is not looked at
  const others = [...readdirSync(place('')), 'missing.png'].map(place);
  expect(await files.read([found(good), ...others.map(found), found(good)])).toEqual([
    await decodeImage(good),
    ...others.map(() => undefined),
    await decodeImage(good),
  ]);
  expect(await files.read([])).toEqual([]);
});

test('names are bytes', async () => {
  const [latin1, newline] = [Buffer.from(join(folder, 'k\xfc\n.png'), 'latin1'), join(folder, 'ü\n日.png')];
  for (const path of [latin1, newline]) copyFileSync(join(folder, '1.png'), path);
  const pixels = await decodeImage(join(folder, '1.png'));
  expect(await files.read([found(latin1), found(newline)])).toEqual([pixels, pixels]);
});

const read = (path: string) => `
  import { PlainFiles } from '${PACKAGE_ROOT}/dist/lib/images/index.js';
  const [pixels] = await new PlainFiles().read([{ name: 'a.png', path: Buffer.from('${path}') }]);
  console.log('read', pixels?.length);`;

test('threads keep a process alive while something is read, and no longer', async () => {
  const ended = await runProcess(read(join(folder, '0.png')));
  expect(ended).toEqual({ exitCode: 0, signal: null, output: 'read 3072\n' });
});

test('where no threads are allowed, everything is left out', async () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  const ended = await runProcess(read(join(folder, '0.png')), [flag, '--allow-fs-read=*', '--no-warnings']);
  expect(ended).toEqual({ exitCode: 0, signal: null, output: 'read undefined\n' });
});

test('after the end nothing is read', async () => {
  const closed = new PlainFiles();
  const reading = closed.read([found(join(folder, '0.png'))]);
  await closed.close();
  await reading;
  expect(await closed.read([found(join(folder, '0.png'))])).toEqual([undefined]);
});
