// Owns the guess which key a person meant. Must not decide whether a key is valid.
import { distance } from 'fastest-levenshtein';

/** Nothing longer is near any key, and the distance of a megabyte takes a second. */
const MAX_LENGTH = 200;

/**
 * The valid key path nearest to `key`: a right last part counts as much as a right whole. Undefined where nothing is
 * near enough to be meant.
 */
export function nearestKey(key: string, valid: readonly string[]): string | undefined {
  if (key.length > MAX_LENGTH) return undefined;
  const last = lastPart(key);
  const scored = valid.map((candidate) => {
    const whole = distance(key, candidate);
    return { candidate, whole, score: Math.min(whole, 1 + distance(last, lastPart(candidate))) };
  });
  const [best] = scored.sort((a, b) => a.score - b.score || a.whole - b.whole);
  return best !== undefined && best.score <= Math.max(2, Math.ceil(last.length / 2))
    ? best.candidate
    : undefined;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
