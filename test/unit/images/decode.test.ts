// Image decoding on real files: made by sharp, read back through temporary folders.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage, type ImageInput } from '../../../lib/images/index.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cifar10-images-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A pattern with detail in every channel. */
function pattern(width: number, height: number, channels: 1 | 3 | 4) {
  const data = Uint8Array.from({ length: width * height * channels }, (_, index) => (index * 37 + 11) % 256);
  return { data, width, height, channels };
}

function encode({ data, ...raw }: ReturnType<typeof pattern>) {
  return sharp(data, { raw });
}

function pixelAt(pixels: Uint8Array, row: number, column: number): number[] {
  return [...pixels.subarray((row * 32 + column) * 3, (row * 32 + column) * 3 + 3)];
}

describe('decodeImage', () => {
  test('passes a 32x32 PNG through bit for bit, from a path, a URL, bytes or raw pixels', async () => {
    const raw = pattern(32, 32, 3);
    const path = join(folder, 'exact.png');
    await encode(raw).png().toFile(path);
    const bytes = await encode(raw).png().toBuffer();
    for (const input of [path, pathToFileURL(path), bytes, Uint8Array.from(bytes), raw])
      expect(Buffer.from(raw.data).equals(await decodeImage(input))).toBe(true);
  });

  test('passes lossless WebP through and decodes JPEG nearly', async () => {
    const raw = pattern(32, 32, 3);
    expect(await decodeImage(await encode(raw).webp({ lossless: true }).toBuffer())).toEqual(raw.data);
    const grey = encode({ ...raw, data: new Uint8Array(32 * 32 * 3).fill(128) });
    const jpeg = await decodeImage(await grey.jpeg({ quality: 100 }).toBuffer());
    expect(jpeg.every((value) => Math.abs(value - 128) <= 1)).toBe(true);
  });

  test('makes grey images RGB, whether encoded or raw', async () => {
    const raw = pattern(32, 32, 1);
    const expected = Uint8Array.from(raw.data, (value) => value);
    for (const input of [raw, await encode(raw).toColourspace('b-w').png().toBuffer()]) {
      const pixels = await decodeImage(input);
      expect(pixels.length).toBe(32 * 32 * 3);
      for (const channel of [0, 1, 2])
        expect(pixels.filter((_, index) => index % 3 === channel)).toEqual(expected);
    }
  });

  test('makes grey with transparency and CMYK RGB', async () => {
    const grey = encode({ ...pattern(32, 32, 1), data: new Uint8Array(32 * 32).fill(90) });
    const transparent = await grey.clone().toColourspace('b-w').ensureAlpha(1).png().toBuffer();
    expect((await sharp(transparent).metadata()).channels).toBe(2);
    const cmyk = await grey.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(cmyk).metadata()).channels).toBe(4);
    for (const input of [transparent, cmyk]) {
      const pixels = await decodeImage(input);
      expect(pixels.length).toBe(32 * 32 * 3);
      // Inks pass through a colour profile, which is only near the grey it came from.
      expect(pixels.every((value) => Math.abs(value - 90) <= 16)).toBe(true);
    }
  });

  test('reduces a 16-bit PNG to 8 bits', async () => {
    const png = await encode(pattern(32, 32, 3))
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect(await decodeImage(png)).toEqual(pattern(32, 32, 3).data);
  });

  test('flattens transparency on black', async () => {
    const data = new Uint8Array(32 * 32 * 4).fill(200);
    for (let index = 3; index < data.length / 2; index += 4) data[index] = 0;
    const raw = { data, width: 32, height: 32, channels: 4 as const };
    for (const input of [raw, await encode(raw).png().toBuffer()]) {
      const pixels = await decodeImage(input);
      expect(pixelAt(pixels, 0, 0)).toEqual([0, 0, 0]);
      expect(pixelAt(pixels, 31, 31)).toEqual([156, 156, 156]);
    }
  });

  test('turns an image as its EXIF orientation says', async () => {
    const left = {
      left: 0,
      top: 0,
      input: { create: { width: 32, height: 64, channels: 3, background: 'red' } },
    };
    const canvas = sharp({ create: { width: 64, height: 64, channels: 3, background: 'blue' } });
    const rotated = await canvas
      .composite([left as OverlayOptions])
      .withMetadata({ orientation: 6 })
      .png();
    const pixels = await decodeImage(await rotated.toBuffer());
    // Orientation 6 turns by 90 degrees clockwise: what was left is on top.
    expect(pixelAt(pixels, 4, 28)).toEqual([255, 0, 0]);
    expect(pixelAt(pixels, 28, 4)).toEqual([0, 0, 255]);
  });

  test('stretches other sizes to the size asked for and averages what it shrinks', async () => {
    const checkers = Uint8Array.from({ length: 256 * 256 }, (_, index) =>
      ((index % 256) + Math.floor(index / 256)) % 2 ? 255 : 0,
    );
    const raw = { data: checkers, width: 256, height: 256, channels: 1 as const };
    const pixels = await decodeImage(raw);
    expect(pixels.length).toBe(32 * 32 * 3);
    expect(pixels.every((value) => Math.abs(value - 127) <= 4)).toBe(true);
    expect((await decodeImage(pattern(50, 20, 3), 16)).length).toBe(16 * 16 * 3);
  });

  test('names a missing file and a folder given as a file', async () => {
    await expect(decodeImage(join(folder, 'none.png'))).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('none.png'),
    });
    await expect(decodeImage(folder)).rejects.toMatchObject({ code: 'IMAGE_INVALID', found: 'a folder' });
  });

  test('rejects text, other formats, empty and cut files by name', async () => {
    const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2);
    const gif = await encode(pattern(32, 32, 3))
      .gif()
      .toBuffer();
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"/>';
    const jpeg = await encode(pattern(300, 300, 3))
      .jpeg()
      .toBuffer();
    const png = await encode(pattern(300, 300, 3))
      .png()
      .toBuffer();
    const files = {
      text: 'hello',
      gif,
      svg,
      empty: '',
      jpeg: half(jpeg),
      png: half(png),
    };
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, `bad-${name}.png`);
      await writeFile(path, content);
      const failure = { code: 'IMAGE_INVALID', message: expect.stringContaining(`bad-${name}.png`) };
      await expect(decodeImage(path), name).rejects.toMatchObject(failure);
      await rm(path);
    }
  });

  test('caps bytes and pixels', async () => {
    const png = await encode(pattern(32, 32, 3))
      .png()
      .toBuffer();
    const padded = Buffer.concat([png, Buffer.alloc(8 * 1024 * 1024)]);
    await expect(decodeImage(padded)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      found: expect.stringMatching(/^838\d+ bytes$/),
    });
    const wide = await sharp({ create: { width: 4097, height: 4096, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await expect(decodeImage(wide)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      found: expect.stringMatching(/pixel limit/),
    });
  });

  test('checks raw pixels against their stated size', async () => {
    const raw = pattern(32, 32, 3);
    for (const wrong of [
      { ...raw, width: 31 },
      { ...raw, height: 0 },
      { ...raw, width: 32.5 },
      { ...raw, channels: 2 as 3 },
      { ...raw, data: raw.data.subarray(1) },
    ])
      await expect(decodeImage(wrong)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  });

  test('rejects inputs of another kind', async () => {
    for (const wrong of [null, 3, {}, new URL('http://127.0.0.1/x.png')])
      await expect(decodeImage(wrong as ImageInput)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
