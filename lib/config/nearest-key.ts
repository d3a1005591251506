// Owns the guess which key a person meant. Must not decide whether a key is valid.
import { distance } from 'fastest-levenshtein';

/** The valid key path nearest to `key`: a right last part counts as much as a right whole. */
export function nearestKey(key: string, valid: readonly string[]): string | undefined {
  const scored = valid.map((candidate) => {
    const whole = distance(key, candidate);
    return { candidate, whole, score: Math.min(whole, 1 + distance(lastPart(key), lastPart(candidate))) };
  });
  return scored.sort((a, b) => a.score - b.score || a.whole - b.whole)[0]?.candidate;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
