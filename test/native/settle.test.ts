// What a configuration leaves to the machine: settled by what the machine is.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadConfig } from '../../lib/config/index.js';
import { usableCores } from '../../lib/cores.js';
import { loadNative } from '../../lib/native.js';
import { settle, settleDevice, settlePrecision, settleThreads } from '../../lib/settle.js';

const { hasFastBf16, cudaDeviceCount } = loadNative().runtimeInfo();

test('the addon tells of bfloat16 what the system tells', () => {
  const cpuInfo = readFileSync('/proc/cpuinfo', 'utf8');
  expect(hasFastBf16).toBe(/^(?:flags|Features)\s*:.*\b(?:avx512_bf16|amx_bf16|bf16)\b/m.test(cpuInfo));
});

test('precision: what is given stays, auto is bfloat16 on a GPU and where the processor has it', () => {
  for (const precision of ['bf16', 'fp32'] as const)
    for (const device of ['cpu', 'cuda'] as const) expect(settlePrecision(precision, device)).toBe(precision);
  expect(settlePrecision('auto', 'cuda')).toBe('bf16');
  expect(settlePrecision('auto', 'cpu')).toBe(hasFastBf16 ? 'bf16' : 'fp32');
});

test('device and threads: what is given stays', () => {
  expect([settleDevice('cpu'), settleDevice('cuda')]).toEqual(['cpu', 'cuda']);
  expect(settleDevice('auto')).toBe(cudaDeviceCount > 0 ? 'cuda' : 'cpu');
  expect([settleThreads(3), settleThreads(null)]).toEqual([3, usableCores()]);
});

test('nothing of a configuration is left open, and the rest of it stays', () => {
  const config = loadConfig({ overrides: ['training.device=cpu'] });
  const settled = settle(config);
  const { threads, precision, evalPrecision, ...rest } = settled.training;
  expect({ ...settled, training: rest }).toEqual({
    ...config,
    training: expect.objectContaining({ seed: 0, device: 'cpu', epochs: 8 }),
  });
  expect(threads).toBe(usableCores());
  expect([precision, evalPrecision]).toEqual(new Array(2).fill(settlePrecision('auto', 'cpu')));
});
