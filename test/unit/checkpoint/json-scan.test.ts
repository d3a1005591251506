// What JSON text is refused before anything is made of it.
import { describe, expect, test } from 'vitest';
import { findFlaw } from '../../../lib/checkpoint/json-scan.js';

const LIMITS = { depth: 3, ownNames: 10, names: 12, values: 20 };
const names = (count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => `"n${first + i}":0`).join(',');

describe('a text is taken', () => {
  test.each<[string, string]>([
    ['with the same name in two objects', '{"a":{"x":1},"b":{"x":1}}'],
    ['with a name of the object around it', '{"a":{"a":{"a":1}}}'],
    ['with names as values', '{"a":"b","b":"a","c":["a","a"]}'],
    ['with signs in strings', '{"a":"[[[[{{{{:::,,,","\\"b":"\\\\"}'],
    ['with as many brackets as may be', '[[[]],[[]],[{}]]'],
    ['with as many names of one object as may be', `{${names(10)}}`],
    ['with as many names as may be', `[{${names(6)}},{${names(6)}}]`],
    ['with as many values as may be', `[${Array(20).fill(0).join(',')}]`],
  ])('%s', (_name, json) => {
    JSON.parse(json);
    expect(findFlaw(json, LIMITS)).toBeUndefined();
  });

  test.each(['', '}}}]', ':', '"', '"\\', '{"a', '{"\\x":1}', '[1}{2]'])(
    'also if it is no JSON: %j',
    (json) => {
      expect(() => JSON.parse(json)).toThrow();
      expect(findFlaw(json, LIMITS)).toBeUndefined();
    },
  );
});

describe('a text is refused', () => {
  test.each<[string, string, string]>([
    ['with a name twice', '{"a":1,"a":2}', '"a" twice'],
    ['with a name twice, once escaped', '{"a":1,"\\u0061":2}', '"a" twice'],
    ['with an empty name twice', '{"":1,"":2}', '"" twice'],
    ['with a name twice around another object', '{"a":{"b":1},"a":2}', '"a" twice'],
    ['with a name twice in the second object of a list', '[{"a":1},{"b":1,"b":2}]', '"b" twice'],
    ['with a name twice among many', `{${names(9)},"n3":1}`, '"n3" twice'],
    ['with the last of many twice', `{${names(9)},"n8":1}`, '"n8" twice'],
    ['with more brackets than may be', '[[[[', 'more'],
    ['with more brackets than may be, of two kinds', '{"a":[{"b":[1]}]}', 'more'],
    ['with more names in one object than may be', `{${names(11)}}`, 'more'],
    ['with more names than may be', `[{${names(7)}},{${names(6)}}]`, 'more'],
    ['with more values than may be', `[${Array(21).fill(0).join(',')}]`, 'more'],
    ['with more lists than may be', `[${Array(11).fill('[]').join(',')}]`, 'more'],
  ])('%s', (_name, json, found) => {
    expect(findFlaw(json, LIMITS)?.found).toBe(found);
  });

  test('of a megabyte of brackets, names or values at once', () => {
    for (const json of ['['.repeat(1e6), '{"a":'.repeat(2e5), `[${'{},'.repeat(3e5)}{}]`]) {
      const startedMs = performance.now();
      expect(findFlaw(json, LIMITS)).toBeDefined();
      expect(performance.now() - startedMs).toBeLessThan(100);
    }
  });
});
