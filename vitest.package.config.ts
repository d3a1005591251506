// The packed package in an empty folder: `npm run test:package`, which makes the prebuilt addon first.
import { defineConfig } from 'vitest/config';
import base from './vitest.config.js';

const jsonFile = process.env.VITEST_PACKAGE_JSON;

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/package/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    reporters: jsonFile === undefined ? ['default'] : ['default', ['json', { outputFile: jsonFile }]],
  },
});
