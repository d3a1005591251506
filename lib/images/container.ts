// Owns the outer structure of image files, as far as memory depends on it: what is beside the picture is left out or counted,
// because decoders gather it without bound. Must not decode. Sources: PNG 1.2 (W3C), ITU-T T.81 annex B, RFC 9649 (WebP).
import { isJpeg, isPng } from './signature.js';

/** An image file as a decoder is to get it. */
export interface Container {
  /** Without texts and other things that change no pixel. */
  readonly bytes: Uint8Array;
  /** Of a PNG, which has its size in a fixed place; other formats leave it to their decoders. */
  readonly pixels: number | undefined;
  /** Colour profiles and EXIF that are left. */
  readonly metadataBytes: number;
  /** Of a JPEG of several scans, as a progressive one is: its coefficients, which are held until the last. */
  readonly coefficientBytes: number;
  /** Of a WebP: a decoder holds all pixels of the one, and more of the other. */
  readonly isLossless: boolean;
  readonly isAnimated: boolean;
}

const PLAIN = {
  pixels: undefined,
  metadataBytes: 0,
  coefficientBytes: 0,
  isLossless: false,
  isAnimated: false,
};
/** Of a profile or of EXIF; larger ones are left out. */
const MAX_METADATA_BYTES = 1 << 20;

/** `bytes`: of a JPEG, PNG or WebP by their signature. Errors: an `Error` where the structure is broken. */
export function readContainer(bytes: Uint8Array): Container {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isPng(bytes)) return readPng(view);
  return isJpeg(bytes) ? readJpeg(view) : readWebp(view);
}

const PNG_PICTURE = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND', 'gAMA', 'cHRM', 'sRGB']);
const PNG_METADATA = new Set(['iCCP', 'eXIf']);

/** libpng inflates each compressed text before the first pixel: up to 8 MB each, of any number. */
function readPng(bytes: Buffer): Container {
  const pieces = [bytes.subarray(0, 8)];
  let metadataBytes = 0;
  for (let at = 8; at < bytes.length; ) {
    if (at + 12 > bytes.length) {
      pieces.push(bytes.subarray(at)); // cut off: the decoder says what it makes of it
      break;
    }
    const end = at + 12 + bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const isMetadata = PNG_METADATA.has(type) && end - at <= MAX_METADATA_BYTES;
    if (isMetadata) metadataBytes += end - at;
    if (isMetadata || PNG_PICTURE.has(type)) pieces.push(bytes.subarray(at, end));
    if (type === 'IEND') break;
    at = end;
  }
  const pixels = bytes.length < 24 ? undefined : bytes.readUInt32BE(16) * bytes.readUInt32BE(20);
  return { ...PLAIN, bytes: joined(bytes, pieces), pixels, metadataBytes };
}

const SOS = 0xda;
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const PROGRESSIVE = new Set([0xc2, 0xc6, 0xca, 0xce]);
/** TEM and RST0 to RST7, which decoders skip where they have no business. */
const hasNoLength = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

function readJpeg(bytes: Buffer): Container {
  const pieces = [bytes.subarray(0, 2)];
  let metadataBytes = 0;
  let frame: Buffer | undefined;
  let at = 2;
  for (;;) {
    if (at + 4 > bytes.length) throw new Error('JPEG: no picture in it');
    const marker = bytes[at + 1] as number;
    // Fill bytes, and others that decoders skip up to the next marker.
    if (bytes[at] !== 0xff || marker === 0xff || marker === 0) {
      at++;
      continue;
    }
    if (hasNoLength(marker)) {
      at += 2;
      continue;
    }
    if (marker === SOS) break;
    const segment = bytes.subarray(at, at + 2 + bytes.readUInt16BE(at + 2));
    if (segment.length < 4) throw new Error('JPEG: a segment without a length');
    if (isFrame(marker)) frame = segment;
    const isMetadata = isJpegMetadata(marker, segment) && metadataBytes < MAX_METADATA_BYTES;
    if (isMetadata) metadataBytes += segment.length;
    if (isMetadata || !isApplication(marker)) pieces.push(segment);
    at += segment.length;
  }
  pieces.push(bytes.subarray(at));
  const coefficientBytes =
    frame && hasSeveralScans(frame, bytes.subarray(at)) ? coefficientBytesOf(frame) : 0;
  return { ...PLAIN, bytes: joined(bytes, pieces), metadataBytes, coefficientBytes };
}

/** Where the first one does not hold all of every component, they are held until the last. */
function hasSeveralScans(frame: Buffer, scan: Buffer): boolean {
  const [components, inFirst] = [frame[9] ?? 0, scan[4] ?? 0];
  return PROGRESSIVE.has(frame[1] as number) || inFirst < components;
}

/** APP0 to APP15, but for JFIF and Adobe's, which say how colours are stored; and comments. */
function isApplication(marker: number): boolean {
  return marker === 0xfe || (marker > 0xe0 && marker <= 0xef && marker !== 0xee);
}

function isJpegMetadata(marker: number, segment: Buffer): boolean {
  const name = segment.toString('latin1', 4, 15);
  return (marker === 0xe1 && name.startsWith('Exif\0')) || (marker === 0xe2 && name === 'ICC_PROFILE');
}

/** Two bytes for each sample of each component, whose sizes follow from the sampling factors. */
function coefficientBytesOf(frame: Buffer): number {
  if (frame.length < 10) throw new Error('JPEG: a frame header is cut off');
  const [height, width] = [frame.readUInt16BE(5), frame.readUInt16BE(7)];
  const factors = Array.from({ length: frame[9] as number }, (_, i) => frame[11 + 3 * i] ?? 0x11);
  const across = factors.map((factor) => factor >> 4 || 1);
  const down = factors.map((factor) => factor & 15 || 1);
  const columns = (i: number) => Math.ceil((width * (across[i] as number)) / Math.max(...across));
  const rows = (i: number) => Math.ceil((height * (down[i] as number)) / Math.max(...down));
  return factors.reduce((sum, _, i) => sum + 2 * columns(i) * rows(i), 0);
}

const WEBP_METADATA = new Set(['ICCP', 'EXIF', 'XMP ']);
const WEBP_ANIMATION = 0x02;

function readWebp(bytes: Buffer): Container {
  let metadataBytes = 0;
  let isLossless = false;
  let isAnimated = false;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const type = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    if (WEBP_METADATA.has(type)) metadataBytes += size;
    if (type === 'VP8L') isLossless = true;
    if (type === 'ANMF' || (type === 'VP8X' && ((bytes[at + 8] ?? 0) & WEBP_ANIMATION) !== 0))
      isAnimated = true;
    at += 8 + size + (size % 2);
  }
  return { ...PLAIN, bytes, metadataBytes, isLossless, isAnimated };
}

/** Without a copy where nothing was left out. */
function joined(bytes: Buffer, pieces: readonly Buffer[]): Buffer {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return length === bytes.length ? bytes : Buffer.concat(pieces);
}
