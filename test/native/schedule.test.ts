import { expect, test } from 'vitest';
import { loadNative } from '../../lib/native.js';

const factors = (name: 'linear' | 'cosine', warmupFraction: number, finalFraction: number, steps: number) =>
  loadNative().lrFactors({ name, warmupFraction, finalFraction }, steps, 1);

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

const of = (
  schedule: Parameters<ReturnType<typeof loadNative>['lrFactors']>[0],
  steps: number,
  perEpoch: number,
) => loadNative().lrFactors(schedule, steps, perEpoch);

test('constant stays at the peak behind its warm-up', () => {
  expect(of({ name: 'constant', warmupFraction: 0.4 }, 5, 5)).toEqual([0.5, 1, 1, 1, 1]);
});

test('step drops at whole multiples of its epochs', () => {
  const values = of({ name: 'step', warmupFraction: 0, stepEpochs: 2, gamma: 0.5 }, 10, 2);
  expect(values).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]);
});

test('step drops in an epoch whose number is no binary fraction', () => {
  // 0.3 epochs of 10 steps: drops at steps 3, 6 and 9
  const values = of({ name: 'step', warmupFraction: 0, stepEpochs: 0.3, gamma: 0.5 }, 10, 10);
  expect(values).toEqual([1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]);
});

test('multi_step drops at its milestones', () => {
  const values = of({ name: 'multi_step', warmupFraction: 0, milestones: [1, 2.5], gamma: 0.5 }, 8, 2);
  expect(values).toEqual([1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]);
});

test('triangular has the values of airbench94: its ends, and the peak at a whole step', () => {
  const shape = { name: 'triangular', startFraction: 0.2, peakFraction: 0.23, finalFraction: 0.07 } as const;
  const values = of(shape, 100, 10);
  expect(values[0]).toBeCloseTo(0.2, 12);
  expect(values[23]).toBe(1);
  expect(values[22]).toBeCloseTo(0.2 + (0.8 * 22) / 23, 12);
  expect(values[99]).toBeCloseTo(1 - (0.93 * 76) / 77, 12);
});

test('one_cycle reaches both ends', () => {
  const shape = { name: 'one_cycle', startFraction: 0.04, peakFraction: 0.3, finalFraction: 0.001 } as const;
  for (const anneal of ['cosine', 'linear'] as const) {
    const values = of({ ...shape, anneal }, 100, 10);
    expect(values[0]).toBeCloseTo(0.04, 12);
    expect(values[29]).toBe(1);
    expect(values[99]).toBeCloseTo(0.001, 12);
  }
});
