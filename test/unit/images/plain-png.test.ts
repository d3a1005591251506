// The short way for plain PNG files: what it gives is what libvips gives, and what it leaves alone is what libvips judges.
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../../lib/images/index.js';
import { decodePlainPng } from '../../../lib/images/plain-png.js';
import { pngChunk } from '../../hostile-images.js';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const SIZE = 32;

interface Header {
  width?: number;
  height?: number;
  depth?: number;
  colorType?: number;
  interlace?: number;
}

function ihdr({ width = SIZE, height = SIZE, depth = 8, colorType = 2, interlace = 0 }: Header = {}): Buffer {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width);
  data.writeUInt32BE(height, 4);
  data.set([depth, colorType, 0, 0, interlace], 8);
  return pngChunk('IHDR', data);
}

const END = pngChunk('IEND', Buffer.alloc(0));
const png = (...chunks: readonly Buffer[]) => Buffer.concat([SIGNATURE, ...chunks, END]);

/** Rows as a file has them: any bytes are right, behind a byte that names a filter. */
function filteredRows(filters: readonly number[], noise: Uint8Array, channels: number): Buffer {
  const row = (filter: number, index: number) => {
    const length = SIZE * channels;
    return Buffer.from([filter, ...noise.subarray(index * length, (index + 1) * length)]);
  };
  return Buffer.concat(filters.map(row));
}

/** The data in several chunks, cut at the given shares of its length. */
function split(data: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts.map((cut) => Math.floor(cut * data.length)).sort((a, b) => a - b), data.length];
  return ends.map((end, index) => pngChunk('IDAT', data.subarray(ends[index - 1] ?? 0, end)));
}

/** What libvips makes of the file, by the same steps as the general decoder's; `rejected` for what it refuses. */
async function bySharp(bytes: Uint8Array): Promise<Buffer | 'rejected'> {
  const image = sharp(bytes, { failOn: 'error' }).autoOrient().flatten({ background: '#000' });
  const resized = image.toColourspace('srgb').resize(SIZE, SIZE, { fit: 'fill', kernel: 'lanczos3' });
  return resized
    .raw({ depth: 'uchar' })
    .toBuffer()
    .catch(() => 'rejected' as const);
}

const noiseOf = (channels: number) =>
  fc.uint8Array({ minLength: SIZE * SIZE * channels, maxLength: SIZE * SIZE * channels });
const filtersOf = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: SIZE, maxLength: SIZE });
const cutsOf = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
const textOf = fc.constantFrom('tEXt', 'zTXt', 'iTXt', 'tIME', 'pHYs', 'bKGD', 'prVt');

const ROWS = filteredRows(new Array(SIZE).fill(0), new Uint8Array(SIZE * SIZE * 3).fill(70), 3);
const DATA = deflateSync(ROWS);
const PLAIN = png(ihdr(), pngChunk('IDAT', DATA));

describe('pixels', () => {
  test.each([
    ['RGB', 2, 3],
    ['grey', 0, 1],
  ] as const)(
    'of %s are those of libvips, with any filters, cuts and texts',
    async (_, colorType, channels) => {
      const inputs = [noiseOf(channels), filtersOf, cutsOf, fc.integer({ min: 0, max: 9 }), textOf] as const;
      await fc.assert(
        fc.asyncProperty(...inputs, async (noise, filters, cuts, level, type) => {
          const data = split(deflateSync(filteredRows(filters, noise, channels), { level }), cuts);
          const text = pngChunk(type, Buffer.from('a text'));
          const bytes = png(ihdr({ colorType }), text, ...data, text);
          const pixels = decodePlainPng(bytes, SIZE);
          expect(pixels).toBeDefined();
          expect(Buffer.from(pixels as Uint8Array).equals((await bySharp(bytes)) as Buffer)).toBe(true);
        }),
        { numRuns: 100 },
      );
    },
  );

  test('are read from the middle of a larger buffer, whose bytes stay as they are', async () => {
    const around = Buffer.concat([Buffer.alloc(13, 1), PLAIN, Buffer.alloc(7, 2)]);
    const before = Buffer.from(around);
    const view = new Uint8Array(around.buffer, around.byteOffset + 13, PLAIN.length);
    expect(decodePlainPng(view, SIZE)).toEqual(new Uint8Array(SIZE * SIZE * 3).fill(70));
    expect(around.equals(before)).toBe(true);
  });
});

describe('left to libvips', () => {
  const gamma = Buffer.alloc(4);
  gamma.writeUInt32BE(100_000);
  const unusual = {
    'another size': png(ihdr({ height: 31 }), pngChunk('IDAT', DATA)),
    '16 bits': png(ihdr({ depth: 16 }), pngChunk('IDAT', DATA)),
    palette: png(ihdr({ colorType: 3 }), pngChunk('PLTE', Buffer.alloc(768)), pngChunk('IDAT', DATA)),
    'grey with alpha': png(ihdr({ colorType: 4 }), pngChunk('IDAT', DATA)),
    alpha: png(ihdr({ colorType: 6 }), pngChunk('IDAT', DATA)),
    interlaced: png(ihdr({ interlace: 1 }), pngChunk('IDAT', DATA)),
    gamma: png(ihdr(), pngChunk('gAMA', gamma), pngChunk('IDAT', DATA)),
    'transparent colour': png(ihdr(), pngChunk('tRNS', Buffer.alloc(6)), pngChunk('IDAT', DATA)),
    profile: png(ihdr(), pngChunk('iCCP', Buffer.from('p\0\0x')), pngChunk('IDAT', DATA)),
    EXIF: png(ihdr(), pngChunk('eXIf', Buffer.from('MM\0*')), pngChunk('IDAT', DATA)),
    'two headers': png(ihdr(), ihdr(), pngChunk('IDAT', DATA)),
    'no header': png(pngChunk('IDAT', DATA)),
    'no data': png(ihdr()),
    'another format': Buffer.from('GIF89a'),
    'no bytes': Buffer.alloc(0),
  };
  test.each(Object.entries(unusual))('%s', (_, bytes) => {
    expect(decodePlainPng(bytes, SIZE)).toBeUndefined();
  });

  const flipped = (at: number) => {
    const bytes = Buffer.from(PLAIN);
    bytes[at] = (bytes[at] as number) ^ 0xff;
    return bytes;
  };
  const idat = (data: Buffer) => png(ihdr(), pngChunk('IDAT', data));
  const badAdler = Buffer.from(DATA);
  badAdler[DATA.length - 1] = (badAdler[DATA.length - 1] as number) ^ 1;
  const badFilter = Buffer.from(ROWS);
  badFilter[5 * (1 + 3 * SIZE)] = 5;
  const damaged = {
    'a wrong checksum of the header': flipped(30),
    'a wrong checksum of the data': flipped(PLAIN.length - 13),
    'a wrong checksum of the end': flipped(PLAIN.length - 1),
    'a wrong checksum within zlib': idat(badAdler),
    'data that are no zlib': idat(Buffer.alloc(50, 9)),
    'data cut off in zlib': idat(DATA.subarray(0, DATA.length / 2)),
    'a row too few': idat(deflateSync(ROWS.subarray(0, -97))),
    'half a row too few': idat(deflateSync(ROWS.subarray(0, -50))),
    'a byte too many': idat(deflateSync(Buffer.concat([ROWS, Buffer.alloc(1)]))),
    'a hundred megabytes too many': idat(deflateSync(Buffer.alloc(100 << 20))),
    'an unknown filter': idat(deflateSync(badFilter)),
    'a chunk longer than the file': Buffer.concat([
      SIGNATURE,
      ihdr(),
      Buffer.from('7fffffff49444154', 'hex'),
    ]),
    'no end': PLAIN.subarray(0, -12),
  };
  test.each(Object.entries(damaged))('%s, whose verdict counts', async (_, bytes) => {
    expect(decodePlainPng(bytes, SIZE)).toBeUndefined();
    const expected = await bySharp(bytes);
    if (expected === 'rejected')
      await expect(decodeImage(bytes)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
    else expect(Buffer.from(await decodeImage(bytes)).equals(expected)).toBe(true);
  });

  test('whatever was cut or changed at any place, unless nothing of the picture was', async () => {
    const change = fc.record({
      at: fc.integer({ min: 0, max: PLAIN.length - 1 }),
      by: fc.integer({ min: 1, max: 255 }),
      isCut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, by, isCut }) => {
        const bytes = isCut ? PLAIN.subarray(0, at) : Buffer.from(PLAIN);
        if (!isCut) bytes[at] = (bytes[at] as number) ^ by;
        const pixels = decodePlainPng(bytes, SIZE);
        if (pixels) expect(Buffer.from(pixels).equals((await bySharp(bytes)) as Buffer)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
