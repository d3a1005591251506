import { expect, test } from 'vitest';
import { settleOptions } from '../../../lib/serve/options.js';

test('nobody waits for what comes after the deadline', () => {
  const checkpoint = 'a.safetensors';
  expect(settleOptions({ checkpoint }).maxWaitMs).toBe(1000);
  expect(settleOptions({ checkpoint, deadlineMs: 200 }).maxWaitMs).toBe(200);
  expect(settleOptions({ checkpoint, deadlineMs: 200, maxWaitMs: 50 }).maxWaitMs).toBe(50);
});
