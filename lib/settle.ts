// Owns what a configuration leaves to the machine that it runs on: device, number of threads, precision.
import type { Config } from './config/index.js';
import { usableCores } from './cores.js';
import { loadNative } from './native.js';
import type { Device, NativeConfig, Precision } from './native-addon.js';

/** The configuration with nothing left open. Errors: those of loading LibTorch. */
export function settle(config: Config): NativeConfig {
  const { training } = config;
  const { precision, evalPrecision } = training;
  const device = settleDevice(training.device);
  return {
    ...config,
    training: {
      ...training,
      device,
      threads: settleThreads(training.threads),
      precision: settlePrecision(precision, device),
      evalPrecision: settlePrecision(evalPrecision, device),
    },
  };
}

export function settleDevice(device: Config['training']['device']): Device {
  if (device !== 'auto') return device;
  return loadNative().runtimeInfo().cudaDeviceCount > 0 ? 'cuda' : 'cpu';
}

export function settleThreads(threads: Config['training']['threads']): number {
  return threads ?? usableCores();
}

/** `auto`: bfloat16 where it is fast. A processor that must emulate it takes an order of magnitude longer than in float32. */
export function settlePrecision(precision: Config['training']['precision'], device: Device): Precision {
  if (precision !== 'auto') return precision;
  return device === 'cuda' || loadNative().runtimeInfo().hasFastBf16 ? 'bf16' : 'fp32';
}
