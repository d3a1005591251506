import { defineConfig } from 'vitest/config';

const jsonFile = process.env.VITEST_JSON;

export default defineConfig({
  test: {
    include: ['test/{unit,native,golden,lifecycle,cli}/**/*.test.ts'],
    // The addon lives in the process of its test file: a crash ends that file's process only.
    pool: 'forks',
    // Native tests use every core; two files at once would only disturb each other.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: jsonFile === undefined ? ['default'] : ['default', ['json', { outputFile: jsonFile }]],
  },
});
