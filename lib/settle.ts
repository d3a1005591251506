// Owns what a configuration leaves to the machine that it runs on: the number of threads and the precision.
import type { Config } from './config/index.js';
import { usableCores } from './cores.js';
import { loadNative } from './native.js';
import type { NativeConfig, Precision } from './native-addon.js';

/** The configuration with nothing left open. Errors: those of loading LibTorch. */
export function settle(config: Config): NativeConfig {
  const { training } = config;
  const { device, precision, evalPrecision } = training;
  return {
    ...config,
    training: {
      ...training,
      threads: settleThreads(training.threads),
      precision: settlePrecision(precision, device),
      evalPrecision: settlePrecision(evalPrecision, device),
    },
  };
}

export function settleThreads(threads: Config['training']['threads']): number {
  return threads ?? usableCores();
}

/** `auto`: bfloat16 where it is fast. A processor that must emulate it takes ten times as long as in float32. */
export function settlePrecision(
  precision: Config['training']['precision'],
  device: Config['training']['device'],
): Precision {
  if (precision !== 'auto') return precision;
  const { hasFastBf16, cudaDeviceCount } = loadNative().runtimeInfo();
  const isOnGpu = device === 'cuda' || (device === 'auto' && cudaDeviceCount > 0);
  return isOnGpu || hasFastBf16 ? 'bf16' : 'fp32';
}
