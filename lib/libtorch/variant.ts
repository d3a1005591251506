// Owns the variants of LibTorch: which ones can be installed, and which of them a driver and a GPU can use.
// Must not look for the driver: driver.ts does.
import { closest } from 'fastest-levenshtein';
import { Cifar10Error } from '../errors.js';
import type { Driver } from './driver.js';

/**
 * Oldest driver for Linux by CUDA's major version: what was compiled with a later minor one runs with it too.
 * https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html has the rule,
 * https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html the versions (12.0 and 13.0, general availability).
 */
const OLDEST_DRIVERS: Readonly<Record<string, string>> = { 12: '525.60.13', 13: '580.65.06' };

interface CudaVariant {
  name: string;
  /** Compute capabilities that it has kernels for, from Maxwell, Turing and to Hopper. */
  oldestGpu: number;
  newestGpu: number;
}

/**
 * Those of the build version that PyTorch calls stable, the newest first: https://github.com/pytorch/pytorch/pull/187075.
 * CUDA 12.8 ended with 2.11, 13.2 is an experiment in 2.13. The GPUs: https://github.com/pytorch/pytorch/pull/182849.
 */
const CUDA_VARIANTS: readonly CudaVariant[] = [
  { name: 'cu130', oldestGpu: 7.5, newestGpu: Number.POSITIVE_INFINITY },
  { name: 'cu126', oldestGpu: 5.0, newestGpu: 9.0 },
];

/**
 * What LibTorch can be installed for: the processor, a version of CUDA, or, with `auto`, the one that the driver
 * found and its GPUs can use best.
 *
 * @category Diagnostics
 */
export type VariantChoice = 'auto' | 'cpu' | 'cu126' | 'cu130';
export const VARIANT_CHOICES: readonly VariantChoice[] = ['auto', 'cpu', 'cu126', 'cu130'];

/** Errors: `INVALID_ARGUMENT` for a choice that is none. */
export function assertVariantChoice(choice: string): asserts choice is VariantChoice {
  if (VARIANT_CHOICES.some((known) => known === choice)) return;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'no LibTorch of this variant can be installed',
    expected: VARIANT_CHOICES.join(', '),
    found: choice,
    nextStep: `use the nearest, "${closest(choice, VARIANT_CHOICES)}"`,
  });
}

/** Oldest driver that a variant such as `cu126` runs with; `undefined` where none is known or needed. */
export function oldestDriver(variant: string): string | undefined {
  const major = /^cu(\d\d)\d$/.exec(variant)?.[1];
  return major === undefined ? undefined : OLDEST_DRIVERS[major];
}

export function isCudaVariant(variant: string): boolean {
  return variant.startsWith('cu');
}

/** Whether the driver is new enough; one that does not say its version is taken for so. */
export function isDriverEnough(driver: Driver, variant: string): boolean {
  const oldest = oldestDriver(variant);
  if (driver.version === undefined || oldest === undefined) return true;
  return driver.version.localeCompare(oldest, 'en', { numeric: true }) >= 0;
}

/**
 * Of the variants that this driver can use the one with kernels for most of its GPUs, of two such the newer; `cpu` without a
 * driver, or where none fits.
 */
export function variantFor(driver: Driver | undefined): string {
  if (driver === undefined) return 'cpu';
  const usable = CUDA_VARIANTS.filter(({ name }) => isDriverEnough(driver, name));
  const covered = ({ oldestGpu, newestGpu }: CudaVariant) =>
    driver.gpus.filter((gpu) => gpu >= oldestGpu && gpu <= newestGpu).length;
  const most = Math.max(...usable.map(covered));
  // Where no GPU says what it is, the newest one is as good a guess as any.
  if (most === 0 && driver.gpus.length > 0) return 'cpu';
  return usable.find((variant) => covered(variant) === most)?.name ?? 'cpu';
}
