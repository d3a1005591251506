// Owns a folder of image files that are damaged, absurd or lie about themselves, each with what becomes of it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

export interface HostileImage {
  name: string;
  /** Refused with this text as what was found, or accepted if undefined. */
  found: RegExp | undefined;
  /** About the largest of its kind that is accepted. */
  isLarge: boolean;
}

const NOISE = { type: 'gaussian', mean: 128, sigma: 20 } as const;

/** A picture of patches of noise: it is not one colour, and large ones take few bytes. */
function picture(width: number, height: number): Sharp {
  const cell = (length: number) => Math.max(1, Math.round(length / 64));
  const create = { width: cell(width), height: cell(height), channels: 3, noise: NOISE } as const;
  return sharp({ create: { ...create, background: 'grey' } }).resize(width, height, {
    fit: 'fill',
    kernel: 'nearest',
  });
}

const small = () => picture(48, 40);

/** One chunk of a PNG with the checksum that belongs to it. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** A PNG that says how large it is and holds next to nothing. */
function emptyPng(width: number, height: number, extra: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const pixels = pngChunk('IDAT', deflateSync(Buffer.alloc(100)));
  const end = pngChunk('IEND', Buffer.alloc(0));
  return Buffer.concat([signature, pngChunk('IHDR', header), ...extra, pixels, end]);
}

/** Chunks that a decoder inflates before the first pixel: each to eight megabytes. */
function textBombs(count: number): Buffer[] {
  const data = Buffer.concat([Buffer.from('Comment\0\0', 'latin1'), deflateSync(Buffer.alloc(8_000_000))]);
  return Array(count).fill(pngChunk('zTXt', data));
}

/** A JPEG with segments behind its start. */
function withSegments(jpeg: Buffer, marker: number, name: string, count: number): Buffer {
  const segment = Buffer.alloc(65_535);
  segment.set([0xff, marker, 0xff, 0xfd]);
  segment.write(name, 4, 'latin1');
  return Buffer.concat([jpeg.subarray(0, 2), ...Array(count).fill(segment), jpeg.subarray(2)]);
}

/** The progressive JPEG with sampling factors of 2x1 for each of its components, which are of full size then. */
function withFactors(jpeg: Buffer): Buffer {
  const lie = Buffer.from(jpeg);
  const frame = lie.indexOf(Buffer.from([0xff, 0xc2]));
  for (const component of [0, 1, 2]) lie[frame + 11 + 3 * component] = 0x21;
  return lie;
}

/** Bytes between two segments that decoders warn of and skip, markers without a length among them. */
function withJunk(jpeg: Buffer): Buffer {
  const at = 4 + jpeg.readUInt16BE(4);
  const junk = Buffer.from([0xff, 0xd0, 0xff, 0x01, 0x6a, 0x75, 0x6e, 0x6b]);
  return Buffer.concat([jpeg.subarray(0, at), junk, jpeg.subarray(at)]);
}

/** A baseline JPEG whose first scan has one component only: its coefficients are held, as those of a progressive one. */
function severalScans(jpeg: Buffer): Buffer {
  const scans = Buffer.from(jpeg);
  const at = scans.indexOf(Buffer.from([0xff, 0xda]));
  const first = Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
  return Buffer.concat([scans.subarray(0, at), first, scans.subarray(at + 2 + scans.readUInt16BE(at + 2))]);
}

/** One frame of a pixel on a canvas of 16,383x1,024. */
async function animatedCanvas(): Promise<Buffer> {
  const pixel = (await picture(2, 2).webp().toBuffer()).subarray(12);
  const chunk = (type: string, data: Buffer) => {
    const head = Buffer.alloc(8);
    head.write(type, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data]);
  };
  const canvas = Buffer.alloc(10);
  canvas[0] = 2;
  canvas.writeUIntLE(16_382, 4, 3);
  canvas.writeUIntLE(1_023, 7, 3);
  const frame = Buffer.concat([Buffer.from('0000000000000100000100000a000000', 'hex'), pixel]);
  const body = Buffer.concat([chunk('VP8X', canvas), chunk('ANIM', Buffer.alloc(6)), chunk('ANMF', frame)]);
  return Buffer.concat([chunk('RIFF', Buffer.concat([Buffer.from('WEBP'), body]))]);
}

/** The JPEG with another size in its frame header. */
function withFrameSize(jpeg: Buffer, width: number, height: number): Buffer {
  const lie = Buffer.from(jpeg);
  const frame = lie.indexOf(Buffer.from([0xff, 0xc0]));
  lie.writeUInt16BE(height, frame + 5);
  lie.writeUInt16BE(width, frame + 7);
  return lie;
}

/** 38 bytes that say they are a lossless WebP of 16,384x16,384 pixels. */
function webpBomb(): Buffer {
  const bomb = Buffer.alloc(38);
  bomb.write('RIFF', 0, 'latin1');
  bomb.writeUInt32LE(30, 4);
  bomb.write('WEBPVP8L', 8, 'latin1');
  bomb.writeUInt32LE(18, 16);
  bomb[20] = 0x2f;
  bomb.writeUInt32LE(0x0fff_ffff, 21);
  return bomb;
}

/** The progressive JPEG with its last scan a thousand times: each makes the decoder go over all of the picture. */
function manyScans(jpeg: Buffer): Buffer {
  const scan = jpeg.subarray(jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
  return Buffer.concat([jpeg.subarray(0, -2), ...Array(1000).fill(scan), jpeg.subarray(-2)]);
}

async function animation(): Promise<Buffer> {
  const frames = await Promise.all([1, 2, 3].map(() => small().png().toBuffer()));
  return sharp(frames, { join: { animated: true } })
    .webp({ loop: 0 })
    .toBuffer();
}

/** Accepted, and as much as an image may cost. */
async function largeFiles(): Promise<[string, Buffer][]> {
  const square = picture(4096, 4096);
  const inTwelveMillion = picture(4080, 3072);
  return [
    ['large.jpg', await square.clone().jpeg().toBuffer()],
    ['large.png', await square.clone().png().toBuffer()],
    ['large.webp', await square.clone().webp().toBuffer()],
    ['large-alpha.webp', await square.clone().ensureAlpha(0.5).webp().toBuffer()],
    ['large-turned.jpg', await square.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer()],
    ['large-turned.png', await square.clone().withMetadata({ orientation: 8 }).png().toBuffer()],
    ['large-interlaced.png', await inTwelveMillion.clone().png({ progressive: true }).toBuffer()],
    ['large-progressive.jpg', await inTwelveMillion.clone().jpeg({ progressive: true }).toBuffer()],
    ['large-lossless.webp', await picture(3600, 2600).webp({ lossless: true, effort: 0 }).toBuffer()],
    ['wide.png', await picture(12_288, 1200).png().toBuffer()],
    ['tall.png', await picture(1024, 16_384).png().toBuffer()],
  ];
}

/** Name, bytes, and what is found wrong with them. */
async function files(): Promise<[string, Buffer | string, RegExp?][]> {
  const jpeg = await small().jpeg().toBuffer();
  const png = await small().png().toBuffer();
  const webp = await small().webp().toBuffer();
  const cut = ([kind, bytes]: readonly [string, Buffer]) =>
    [0.1, 0.5, 0.8].map(
      (share) =>
        [`cut-${share}.${kind}`, bytes.subarray(0, share * bytes.length), /./] as [string, Buffer, RegExp],
    );
  const progressive = { progressive: true, chromaSubsampling: '4:4:4' };
  const profile = pngChunk(
    'iCCP',
    Buffer.concat([Buffer.from('p\0\0', 'latin1'), deflateSync(Buffer.alloc(256 << 20))]),
  );
  return [
    // Unusual, and right.
    ['cmyk.jpg', await small().toColourspace('cmyk').jpeg().toBuffer()],
    ['sixteen-bits.png', await small().toColourspace('rgb16').png().toBuffer()],
    ['grey-alpha.png', await small().greyscale().ensureAlpha(0.5).png().toBuffer()],
    ['palette.png', await small().png({ palette: true, colours: 4 }).toBuffer()],
    ['animated.webp', await animation()],
    ['jpeg-named.png', jpeg],
    ['no-profile.png', emptyPng(1, 1)],
    ['text-bombs.png', emptyPng(1, 1, textBombs(15))],
    ['more-text-bombs.png', emptyPng(300, 300, textBombs(900)), /./],
    ['comments.jpg', withSegments(jpeg, 0xfe, '', 100)],
    ['profiles.jpg', withSegments(jpeg, 0xe2, 'ICC_PROFILE\0\x01\x01', 100)],
    ['exif.jpg', withSegments(jpeg, 0xe1, 'Exif\0\0', 100)],
    ['exif.png', emptyPng(1, 1, [pngChunk('eXIf', Buffer.alloc(7_900_000))])],
    [
      'says-VP8L.webp',
      await picture(1600, 1600)
        .withExif({ IFD0: { Artist: 'VP8L' } })
        .webp()
        .toBuffer(),
    ],
    ['junk-between.jpg', withJunk(jpeg)],
    ['end-cut-off.png', png.subarray(0, -5)],
    ['one-line.png', await picture(16_384, 1).png().toBuffer()],
    ['one-column.jpg', await picture(1, 16_384).jpeg().toBuffer()],
    // Damaged, or another thing than the name says.
    ...[['jpg', jpeg] as const, ['png', png] as const, ['webp', webp] as const].flatMap(cut),
    ['no-bytes.jpg', '', /^no bytes$/],
    ['text.png', 'hello', /^data of another kind$/],
    ['drawing.png', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', /another kind/],
    ['gif.png', await small().gif().toBuffer(), /another kind/],
    ['tiff.jpg', await small().tiff().toBuffer(), /another kind/],
    ['signature-only.png', png.subarray(0, 8), /./],
    ['flipped.png', Buffer.from(png).fill(0xff, 60, 70), /./],
    // More than it can be allowed to take.
    ['bomb.png', emptyPng(65_500, 65_500), /pixel limit/],
    ['bomb-largest.png', emptyPng(0x7fff_ffff, 0x7fff_ffff), /./],
    ['bomb.jpg', withFrameSize(jpeg, 65_500, 65_500), /pixel limit/],
    ['bomb.webp', webpBomb(), /./],
    ['profile-bomb.png', emptyPng(64, 64, [profile]), /./],
    ['too-many-bytes.png', Buffer.concat([png, Buffer.alloc(8 << 20)]), /^\d+ bytes$/],
    [
      'many-scans.jpg',
      manyScans(await picture(1024, 1024).jpeg(progressive).toBuffer()),
      /progression sequence/,
    ],
    ['animated-canvas.webp', await animatedCanvas(), /^WEBP .* takes \d+$/],
    ['long-line.png', await picture(65_536, 16).png().toBuffer(), /^65536x16 pixels$/],
    [
      'larger-16-interlaced.png',
      await picture(4096, 4096).toColourspace('rgb16').png({ progressive: true }).toBuffer(),
      /^progressive PNG .* takes \d+$/,
    ],
    [
      'larger-scans.jpg',
      severalScans(await picture(4096, 3000).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer()),
      /JPEG .* takes \d+$/,
    ],
    [
      'larger-factors.jpg',
      withFactors(
        await picture(4096, 2912).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
      ),
      /^progressive JPEG .* takes \d+$/,
    ],
    [
      'larger-lossless.webp',
      await picture(4096, 4096).webp({ lossless: true, effort: 0 }).toBuffer(),
      /^WEBP of 4096x4096 pixels, which takes \d+$/,
    ],
    [
      'larger-progressive.jpg',
      await picture(4096, 4096).jpeg(progressive).toBuffer(),
      /^progressive JPEG .* takes \d+$/,
    ],
  ];
}

/** Fills `folder`; each hostile file is followed, in the order of names, by a good one that begins with the same. */
export async function makeHostileImages(folder: string): Promise<HostileImage[]> {
  const images: HostileImage[] = [];
  const good = join(folder, 'good.png');
  await small().png().toFile(good);
  const isFine = { found: undefined, isLarge: false };
  const add = (name: string, found?: RegExp, isLarge = false) => {
    copyFileSync(good, join(folder, `${name}.next.png`));
    images.push({ name, found, isLarge }, { name: `${name}.next.png`, ...isFine });
  };
  for (const [name, bytes] of await largeFiles()) {
    writeFileSync(join(folder, name), bytes);
    add(name, undefined, true);
  }
  for (const [name, bytes, found] of await files()) {
    writeFileSync(join(folder, name), bytes);
    add(name, found);
  }
  execFileSync('mkfifo', [join(folder, 'pipe.png')]);
  add('pipe.png', /^a device or pipe$/);
  symlinkSync('/dev/zero', join(folder, 'device.png'));
  add('device.png', /^a device or pipe$/);
  symlinkSync('/proc/self/pagemap', join(folder, 'pagemap.png'));
  add('pagemap.png', /^no bytes$/);
  symlinkSync('gone.png', join(folder, 'link-to-nothing.png'));
  add('link-to-nothing.png', /^ENOENT$/);
  symlinkSync('link-to-itself.png', join(folder, 'link-to-itself.png'));
  add('link-to-itself.png', /^ELOOP$/);
  mkdirSync(join(folder, 'folder.png'));
  symlinkSync('..', join(folder, 'folder.png', 'loop'));
  copyFileSync(good, join(folder, 'folder.png', 'inside.png'));
  images.push({ name: 'folder.png/inside.png', ...isFine }, { name: 'good.png', ...isFine });
  return images;
}
