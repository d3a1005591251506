import { defineConfig } from 'vitest/config';

// Test files run one after another: the native ones use every core, and two at once would only disturb each other.
export default defineConfig({
  test: {
    include: ['test/{unit,native,lifecycle,cli}/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
