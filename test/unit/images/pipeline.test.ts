// Instances of sharp as images: what their steps make is decoded, and the caller's instance stays the caller's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeImage, snapshot } from '../../../lib/images/index.js';

const NOISE = { type: 'gaussian', mean: 128, sigma: 40 } as const;
const noise = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'grey', noise: NOISE } });

let folder: string;
const files: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-sharp-'));
  const picture = await noise(300, 200).blur(3).png().toBuffer();
  const from = () => sharp(picture);
  const made: Record<string, Sharp> = {
    'plain.png': from(),
    'plain.jpg': from(),
    'large.jpg': from().resize(1600, 1200),
    'progressive.jpg': from().jpeg({ progressive: true }),
    'turned.jpg': from().withMetadata({ orientation: 6 }),
    'lossless.webp': from().webp({ lossless: true }),
    'grey-alpha.png': from().greyscale().ensureAlpha(0.5),
    'sixteen-bits.png': from().toColourspace('rgb16'),
    'exact.png': from().resize(32, 32),
  };
  for (const [name, image] of Object.entries(made)) {
    files[name] = join(folder, name);
    await image.toFile(join(folder, name));
  }
  return () => rmSync(folder, { recursive: true });
});

const file = (name: string) => files[name] as string;

async function expectSame(left: Parameters<typeof decodeImage>[0], right: Parameters<typeof decodeImage>[0]) {
  expect(Buffer.from(await decodeImage(left)).equals(await decodeImage(right))).toBe(true);
}

describe('without steps', () => {
  test.each([
    'plain.png',
    'plain.jpg',
    'large.jpg',
    'progressive.jpg',
    'turned.jpg',
    'lossless.webp',
    'grey-alpha.png',
    'sixteen-bits.png',
    'exact.png',
  ])('%s is what the file is', async (name) => {
    await expectSame(sharp(file(name)), file(name));
    await expectSame(sharp(file(name)).autoOrient(), file(name));
  });

  test('raw pixels and a made-up picture', async () => {
    const data = new Uint8Array(32 * 32 * 3).map((_, index) => index % 251);
    const raw = { width: 32, height: 32, channels: 3 } as const;
    expect(await decodeImage(sharp(data, { raw }))).toEqual(data);
    const red = sharp({ create: { width: 5, height: 9, channels: 4, background: '#f00' } });
    expect(await decodeImage(red)).toEqual(new Uint8Array(3072).map((_, index) => (index % 3 ? 0 : 255)));
  });
});

describe('with steps', () => {
  test.each<[string, (image: Sharp) => Sharp]>([
    ['extract', (image) => image.extract({ left: 40, top: 10, width: 70, height: 90 })],
    [
      'resize and extract',
      (image) => image.resize(90, 90).extract({ left: 3, top: 5, width: 40, height: 50 }),
    ],
    ['a resize of its own', (image) => image.resize(64, 64, { fit: 'cover', kernel: 'nearest' })],
    ['extend, which comes after a resize', (image) => image.extend({ top: 50, background: '#0f0' })],
    ['greyscale', (image) => image.greyscale()],
    ['transparency', (image) => image.ensureAlpha(0.5)],
    ['one channel', (image) => image.extractChannel('green')],
    ['a format', (image) => image.negate().webp({ lossless: true })],
  ])('%s: what it makes is the image', async (_, steps) => {
    const written = await steps(sharp(file('plain.png')))
      .png()
      .toBuffer();
    await expectSame(steps(sharp(file('plain.png'))), written);
  });

  test.each(['sixteen-bits.png', 'grey-alpha.png'])('%s, a part of it', async (name) => {
    const part = () => sharp(file(name)).extract({ left: 50, top: 60, width: 32, height: 32 });
    const depth = name === 'sixteen-bits.png' ? 'rgb16' : 'srgb';
    await expectSame(part(), await part().toColourspace(depth).png().toBuffer());
  });

  test('orientation is that of the file, before an extract if it was asked for before', async () => {
    const area = { left: 10, top: 20, width: 60, height: 40 };
    const upright = await sharp(file('turned.jpg')).autoOrient().png().toBuffer();
    await expectSame(
      sharp(file('turned.jpg')).autoOrient().extract(area),
      await sharp(upright).extract(area).png().toBuffer(),
    );
    const stored = await sharp(file('turned.jpg')).extract(area).png().toBuffer();
    await expectSame(
      sharp(file('turned.jpg')).extract(area),
      await sharp(stored).rotate(90).png().toBuffer(),
    );
  });
});

test('the instance stays as it was, whatever either side does with it', async () => {
  const image = sharp(file('turned.jpg'));
  const before = await image.clone().png().toBuffer();
  const given = snapshot(image);
  const decoded = decodeImage(given);
  image.negate().resize(10, 10).greyscale();
  expect(await image.clone().metadata()).toMatchObject({ width: 300 });
  expect(Buffer.from(await decoded).equals(await decodeImage(file('turned.jpg')))).toBe(true);

  const fresh = sharp(file('turned.jpg'));
  await decodeImage(fresh);
  expect((await fresh.png().toBuffer()).equals(before)).toBe(true);
});

test('bytes that the instance was given may be filled anew', async () => {
  const bytes = await sharp(file('exact.png')).toBuffer();
  const given = snapshot(sharp(bytes));
  bytes.fill(0);
  await expectSame(given, file('exact.png'));
});

test('an instance that others write to', async () => {
  const image = sharp();
  const decoded = decodeImage(image);
  image.end(await sharp(file('plain.png')).toBuffer());
  expect(Buffer.from(await decoded).equals(await decodeImage(file('plain.png')))).toBe(true);
});

describe('errors', () => {
  test('of sharp are the cause', async () => {
    const whole = await sharp(file('large.jpg')).toBuffer();
    const outside = sharp(file('plain.png')).extract({ left: 0, top: 0, width: 9000, height: 1 });
    const broken = [
      sharp(Buffer.from('no image')),
      sharp(whole.subarray(0, whole.length / 2)),
      sharp(join(folder, 'gone.png')),
      outside,
    ];
    for (const image of broken)
      await expect(decodeImage(image)).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
        message: expect.stringContaining('the image cannot be decoded'),
        cause: expect.any(Error),
      });
  });

  test('an input of more than 16 Mi pixels', async () => {
    const large = sharp({ create: { width: 4097, height: 4096, channels: 3, background: 'red' } });
    await expect(decodeImage(large)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      found: 'Input image of 4097x4096 pixels exceeds pixel limit',
    });
  });

  test('what only looks like an instance a little', async () => {
    const wrong = { clone: () => wrong } as unknown as Sharp;
    expect(snapshot(wrong)).toBe(wrong);
    await expect(decodeImage(wrong)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
