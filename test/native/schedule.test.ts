import { expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';

const factors = (name: 'linear' | 'cosine', warmupFraction: number, finalFraction: number, steps: number) =>
  loadNative().lrFactors({ name, warmupFraction, finalFraction }, steps);

test('linear falls from 1 by equal steps and would be 0 after the last', () => {
  const values = factors('linear', 0, 0, 5);
  for (const [i, expected] of [1, 0.8, 0.6, 0.4, 0.2].entries()) expect(values[i]).toBeCloseTo(expected, 12);
});

test('linear falls to its final fraction', () => {
  const values = factors('linear', 0, 0.5, 4);
  for (const [i, expected] of [1, 0.875, 0.75, 0.625].entries()) expect(values[i]).toBeCloseTo(expected, 12);
});

test('warm-up rises to the peak, then the fall begins', () => {
  const values = factors('linear', 0.4, 0, 10);
  for (const [i, expected] of [0.25, 0.5, 0.75, 1, 1, 5 / 6].entries())
    expect(values[i]).toBeCloseTo(expected, 12);
});

test('cosine has the values of PyTorch’s CosineAnnealingLR', () => {
  // torch.optim.lr_scheduler.CosineAnnealingLR(T_max=8, eta_min=0), lr 1, steps 0 to 7
  const expected = [1, 0.96193977, 0.85355339, 0.69134172, 0.5, 0.30865828, 0.14644661, 0.03806023];
  const values = factors('cosine', 0, 0, 8);
  for (const [i, value] of expected.entries()) expect(values[i]).toBeCloseTo(value, 8);
});

test('no schedule goes negative or above the peak', () => {
  for (const name of ['linear', 'cosine'] as const)
    for (const warmup of [0, 0.1, 1])
      for (const steps of [1, 2, 7, 200])
        for (const value of factors(name, warmup, 0, steps)) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThanOrEqual(1);
        }
});
