// Owns fetching CIFAR-10 before a training that needs it, with progress.
import type { Config } from '../lib/index.js';
import { AmountProgress, MEGABYTES } from './amount-progress.js';
import type { Context } from './command.js';

/** Downloads CIFAR-10 where a training of these configurations would miss it. */
export async function provideDatasets(
  configs: readonly Config[],
  { signal, progress, message }: Context,
): Promise<void> {
  const { downloadDataset } = await import('../lib/index.js');
  const needed = configs.filter(({ dataLoading }) => dataLoading.source === 'cifar10');
  for (const dataDir of new Set(needed.map(({ dataLoading }) => dataLoading.dataDir))) {
    const display = new AmountProgress(progress, MEGABYTES);
    await downloadDataset({
      dataDir,
      signal,
      onMessage: message,
      onProgress: ({ phase, doneBytes, totalBytes }) => display.show(phase, doneBytes, totalBytes),
    });
    progress.close();
  }
}
