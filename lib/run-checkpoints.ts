// Owns what the checkpoints of a run hold: its whole state, the weights of its best epoch, the model that it ends with.
import { saveCheckpoint, type TensorData } from './checkpoint/index.js';
import { type Config, configToSnake } from './config/index.js';
import { CLASS_NAMES } from './dataset/index.js';
import { environmentOf, versionsNow } from './exactness.js';
import type { BestEvent, NamedTensor, NativeConfig, TrainingState } from './native-addon.js';
import { BEST_FILE, CHECKPOINT_FILE, LAST_FILE, type RunFolder, type RunRecord } from './runs/index.js';
import { settle } from './settle.js';

type Parts = Pick<Parameters<typeof saveCheckpoint>[1], 'extra' | 'progress' | 'environment' | 'metrics'>;

/** Writes them into the run's folder. Errors of every method: `DISK_FULL`, `NOT_WRITABLE`; what was there is then intact. */
export class RunCheckpoints {
  readonly #folder: RunFolder;
  readonly #config: Config;
  readonly #settled: NativeConfig;

  constructor(folder: RunFolder, config: Config) {
    this.#folder = folder;
    this.#config = config;
    this.#settled = settle(config);
  }

  /** What the training can go on from. */
  async saveState({ model, extra, ...progress }: TrainingState): Promise<void> {
    const environment = environmentOf(this.#settled);
    const metrics = { steps: progress.step };
    await this.#save(LAST_FILE, model, { extra: toMap(extra), progress, environment, metrics });
  }

  async saveBest(
    { epoch, weights }: Pick<BestEvent, 'epoch' | 'weights'>,
    val: RunRecord['val'],
  ): Promise<void> {
    await this.#save(BEST_FILE, weights, { metrics: { epoch, ...(val && { val }) } });
  }

  async saveFinal(model: readonly NamedTensor[], metrics: NonNullable<Parts['metrics']>): Promise<void> {
    await this.#save(CHECKPOINT_FILE, model, { metrics });
  }

  async #save(name: string, model: readonly NamedTensor[], parts: Parts): Promise<void> {
    await saveCheckpoint(this.#folder.pathOf(name), {
      tensors: toMap(model),
      ...parts,
      config: configToSnake(this.#config),
      classNames: CLASS_NAMES,
      normalization: this.#settled.dataLoading.normalization,
      versions: versionsNow(),
    });
  }
}

function toMap(tensors: readonly NamedTensor[]): ReadonlyMap<string, TensorData> {
  return new Map(tensors.map(({ name, ...tensor }) => [name, tensor]));
}
