import { defineConfig } from 'vitest/config';

const jsonFile = process.env.VITEST_JSON;

export default defineConfig({
  test: {
    include: ['test/{unit,native,golden,lifecycle,cli,serve,browser}/**/*.test.ts'],
    // The addon lives in the process of its test file: a crash ends that file's process only.
    pool: 'forks',
    // Native tests use every core; two files at once would only disturb each other.
    fileParallelism: false,
    // What is expected here is computed on the processor, also where LibTorch and the machine have CUDA: `device: auto`
    // would be the GPU there.
    env: { CUDA_VISIBLE_DEVICES: '' },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000, interval: 40 } },
    reporters: jsonFile === undefined ? ['default'] : ['default', ['json', { outputFile: jsonFile }]],
  },
});
