// Tests that take minutes each, run by hand: `npm run test:slow`.
import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

export default defineConfig({
  ...base,
  test: { ...base.test, include: ['test/slow/**/*.test.ts'], testTimeout: 3_600_000 },
});
