import { expect, test } from 'vitest';
import { Workload } from '../../../lib/classifier/workload.js';

test('a batch costs by its views, and the last five or so count', () => {
  const workload = new Workload();
  workload.add(3, 0);
  expect(workload.expectedMs).toBe(0); // nothing is known yet
  workload.learn(4, 2, 4 * 6 * 10);
  expect(workload.expectedMs).toBeCloseTo(3 * 10, 9);
  workload.add(1, 1);
  workload.add(1, 2);
  expect(workload.expectedMs).toBeCloseTo((3 + 2 + 6) * 10, 9);
  workload.remove(1, 2);
  workload.remove(3, 0);
  expect(workload.expectedMs).toBeCloseTo(2 * 10, 9);

  for (let batch = 0; batch < 3; batch++) workload.learn(4, 2, 4 * 6 * 100);
  expect(workload.expectedMs).toBeGreaterThan(2 * 60);
  expect(workload.expectedMs).toBeLessThan(2 * 95);
  for (let batch = 0; batch < 20; batch++) workload.learn(4, 2, 4 * 6 * 100);
  expect(workload.expectedMs).toBeGreaterThan(2 * 98);
});
