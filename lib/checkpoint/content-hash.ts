// Owns the SHA-256 that a checkpoint carries of all its own bytes, so that no damage to them goes unseen.
// Must not know what the bytes mean.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** The key of the metadata that holds the hash, as 64 hexadecimal digits. */
export const HASH_KEY = 'content_sha256';

/** What stands in the place of the hash in the bytes that are hashed. */
export const UNKNOWN_HASH = '0'.repeat(64);

/** Hashed in about a millisecond, which is as long as the event loop may be held. */
const SLICE_BYTES = 2 ** 20;

/** Writes the hash of all chunks over `UNKNOWN_HASH` in the first of them, the head of the file. */
export async function sealChunks(chunks: readonly Uint8Array[]): Promise<void> {
  const head = chunks[0] as Uint8Array;
  const place = placeOf(UNKNOWN_HASH, head);
  if (place === undefined) throw new Error(`unreachable: a head without one "${HASH_KEY}"`);
  const digits = await hash(chunks);
  head.set(Buffer.from(digits, 'latin1'), place);
}

/** Whether `sealed` is the hash that `sealChunks` gave the file of this head and this data. Leaves both as they are. */
export async function isSealed(sealed: string, head: Uint8Array, data: Uint8Array): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(sealed)) return false;
  const place = placeOf(sealed, head);
  if (place === undefined) return false;
  const open = head.slice();
  open.set(Buffer.from(UNKNOWN_HASH, 'latin1'), place);
  return (await hash([open, data])) === sealed;
}

/** Where in the head the digits stand; undefined unless they do so once, in the form that this package writes. */
function placeOf(digits: string, head: Uint8Array): number | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const entry = `"${HASH_KEY}":"${digits}"`;
  const begin = bytes.indexOf(entry, 0, 'latin1');
  if (begin < 0 || bytes.lastIndexOf(entry, undefined, 'latin1') !== begin) return undefined;
  return begin + entry.indexOf(digits);
}

async function hash(chunks: readonly Uint8Array[]): Promise<string> {
  const sum = createHash('sha256');
  for (const chunk of chunks)
    for (let begin = 0; begin < chunk.length; begin += SLICE_BYTES) {
      sum.update(chunk.subarray(begin, begin + SLICE_BYTES));
      await setImmediate();
    }
  return sum.digest('hex');
}
