// Owns the pixels of plain PNG files that need no resizing, which most data sets of small images are made of: libvips takes
// longer to set itself up for one than it takes to decode it. Must not judge: whatever is unusual or damaged is left to the
// general decoder, whose verdict counts. Source: PNG 1.2 (W3C), chapters 3, 6 and 10.
import { crc32, inflateSync } from 'node:zlib';
import { isPng } from './signature.js';

/** Of the picture and of nothing that changes its colours, its shape or its transparency. */
const KNOWN = new Set(['IHDR', 'IDAT', 'IEND']);
/** What the general decoder looks at, too: `container.ts` leaves out all other chunks. */
const CHANGING = new Set(['PLTE', 'tRNS', 'gAMA', 'cHRM', 'sRGB', 'iCCP', 'eXIf']);
/** By colour type, with 8 bits each. */
const CHANNELS: Record<number, 1 | 3> = { 0: 1, 2: 3 };

/**
 * uint8 [size, size, 3], RGB, interleaved, as `decodeImage` gives them; undefined unless the bytes are an intact PNG of that
 * size, grey or RGB in 8 bits, not interlaced, without colour spaces and EXIF. Takes no more memory than its pixels.
 */
export function decodePlainPng(bytes: Uint8Array, size: number): Uint8Array | undefined {
  if (!isPng(bytes)) return undefined;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const channels = channelsOf(view, size);
  const compressed = channels && intactData(view);
  if (!channels || !compressed) return undefined;
  const rows = inflate(compressed, size * (1 + size * channels));
  if (!rows || !unfilter(rows, size, channels)) return undefined;
  return toRgb(rows, size, channels);
}

/** 1 or 3 if the header is the first chunk and says what is wanted. */
function channelsOf(bytes: Buffer, size: number): 1 | 3 | undefined {
  if (bytes.length < 33 || bytes.readUInt32BE(8) !== 13) return undefined;
  const isOfSize = bytes.readUInt32BE(16) === size && bytes.readUInt32BE(20) === size;
  const isPlain = bytes[24] === 8 && bytes.readUIntBE(26, 3) === 0;
  return isOfSize && isPlain ? CHANNELS[bytes[25] as number] : undefined;
}

/** The compressed rows, where all of the picture's chunks are whole and right. */
function intactData(bytes: Buffer): Buffer | undefined {
  const data: Buffer[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    if (CHANGING.has(type) || end > bytes.length) return undefined;
    if (KNOWN.has(type) && crc32(bytes.subarray(at + 4, end - 4)) !== bytes.readUInt32BE(end - 4))
      return undefined;
    if ((type === 'IHDR') !== (at === 8)) return undefined;
    if (type === 'IDAT') data.push(bytes.subarray(at + 8, end - 4));
    if (type === 'IEND') return data.length === 1 ? data[0] : Buffer.concat(data);
    at = end;
  }
  return undefined;
}

/** Exactly so many bytes: zlib compares its own checksum and stops at what is beyond. */
function inflate(compressed: Buffer, length: number): Buffer | undefined {
  try {
    const rows = inflateSync(compressed, { maxOutputLength: length });
    return rows.length === length ? rows : undefined;
  } catch {
    return undefined;
  }
}

/** Undoes each row's filter in place: [size, 1 + size * channels], whose first byte names the filter. False for an unknown one. */
function unfilter(rows: Buffer, size: number, channels: number): boolean {
  const stride = 1 + size * channels;
  for (let start = 0; start < rows.length; start += stride) {
    const filter = rows[start] as number;
    if (filter > 4) return false;
    if (filter !== 0) unfilterRow(rows, start + 1, start + stride, filter, channels);
  }
  return true;
}

function unfilterRow(rows: Buffer, begin: number, end: number, filter: number, channels: number): void {
  const stride = end - begin + 1;
  const isFirst = begin === 1;
  for (let at = begin; at < end; at++) {
    const hasLeft = at - begin >= channels;
    const left = hasLeft ? (rows[at - channels] as number) : 0;
    const up = isFirst ? 0 : (rows[at - stride] as number);
    const upLeft = hasLeft && !isFirst ? (rows[at - stride - channels] as number) : 0;
    rows[at] = (rows[at] as number) + predicted(filter, left, up, upLeft); // modulo 256
  }
}

function predicted(filter: number, left: number, up: number, upLeft: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  return filter === 3 ? (left + up) >> 1 : paeth(left, up, upLeft);
}

/** The neighbour that is nearest to left + up - upLeft, in this order where two are. */
function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft);
  const toUp = Math.abs(left - upLeft);
  const toUpLeft = Math.abs(left + up - 2 * upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}

function toRgb(rows: Buffer, size: number, channels: number): Uint8Array {
  const pixels = new Uint8Array(size * size * 3);
  const stride = 1 + size * channels;
  const green = channels === 3 ? 1 : 0;
  let to = 0;
  for (let start = 1; start < rows.length; start += stride)
    for (let at = start; at < start + stride - 1; at += channels) {
      pixels[to++] = rows[at] as number;
      pixels[to++] = rows[at + green] as number;
      pixels[to++] = rows[at + 2 * green] as number;
    }
  return pixels;
}
