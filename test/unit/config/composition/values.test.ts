// Values, merging and interpolation by the cases that scripts/check-hydra-cases.py holds against OmegaConf.
import { describe, expect, test } from 'vitest';
import { toPlain } from '../../../../lib/config/composition/index.js';
import { mergeMaps } from '../../../../lib/config/composition/merge.js';
import { parseValue } from '../../../../lib/config/composition/value-parser.js';
import interpolationCases from './cases/interpolation.json' with { type: 'json' };
import mergingCases from './cases/merging.json' with { type: 'json' };
import valueCases from './cases/values.json' with { type: 'json' };
import { compose, NO_VARIANTS, resolved, tree } from './support.js';

/** JSON has no nan and no inf. */
function readExpected(value: unknown): unknown {
  const { $float } = (value ?? {}) as { $float?: string };
  if ($float === undefined) return value;
  return { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }[$float];
}

describe('values of overrides', () => {
  test.each(valueCases as [string, unknown][])('%s', (text, expected) => {
    const parsed = parseValue(text, 0);
    expect(parsed.kind === 'value' && toPlain(parsed.node)).toEqual(readExpected(expected));
  });

  test('nothing is the empty text', () => {
    expect(compose({ 'config.yaml': 'a: 1' }, ['a='])).toEqual({ a: '' });
  });
});

describe('merging', () => {
  test.each(mergingCases as [object[], unknown][])('%j', (trees, expected) => {
    const merged = trees.map(tree).reduce((base, over) => mergeMaps(base, over, NO_VARIANTS));
    expect(resolved(merged)).toEqual(expected);
  });
});

describe('interpolation', () => {
  test.each(interpolationCases as [object, unknown][])('%j', (given, expected) => {
    expect(resolved(tree(given))).toEqual(expected);
  });

  test('now formats one moment with the directives of strftime', () => {
    const given = { a: '${now:%Y-%m-%d}', b: 'run_${now:%H%M%S}', c: '${now:}' };
    expect(resolved(tree(given))).toEqual({ a: '2026-01-31', b: 'run_090507', c: '2026-01-31_09-05-07' });
  });
});
