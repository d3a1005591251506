// Owns the place of everything this package downloads: the cache folder by the platform's convention.
import { resolve } from 'node:path';
import envPaths from 'env-paths';

/** Absolute path of the cache folder, which need not exist; the environment variable CIFAR10_TORCH_CACHE moves it. */
export function cacheRoot(): string {
  return resolve(process.env.CIFAR10_TORCH_CACHE || envPaths('cifar10-torch', { suffix: '' }).cache);
}
