// Owns telling by its first bytes what kind of image a file claims to be. It is looked at here and not asked of the
// decoder, so that no parser of another format (SVG, TIFF, PDF…) ever sees the bytes.

const startOf = (bytes: Uint8Array, count: number) => Buffer.from(bytes.subarray(0, count)).toString('hex');

export function isPng(bytes: Uint8Array): boolean {
  return startOf(bytes, 8) === '89504e470d0a1a0a';
}

export function isJpeg(bytes: Uint8Array): boolean {
  return startOf(bytes, 3) === 'ffd8ff';
}

export function isWebp(bytes: Uint8Array): boolean {
  return /^52494646.{8}57454250$/.test(startOf(bytes, 12));
}
