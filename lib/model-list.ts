// Owns what is said about models without training them: size, cost, published accuracy, tensors.
import type { TensorLayout } from './checkpoint/index.js';
import { listOptions, loadConfig, modelLabel } from './config/index.js';
import { PUBLISHED_ACCURACY, type PublishedAccuracy } from './model-catalog.js';
import { loadNative } from './native.js';
import { callNative } from './native-job.js';

/**
 * What is known of an option of the group `model`.
 *
 * @category Models
 */
export interface ModelInfo {
  /** The option: `resnet20` is picked with `model=resnet20`. */
  readonly option: string;
  /** The name that runs of it have in tables: `resnet20`, `fast`… */
  readonly label: string;
  /** Weights and biases; frozen ones count, running statistics do not. */
  readonly parameterCount: number;
  /** Of the convolutions and linear layers, for one image; a FLOP count is twice that. Measured. */
  readonly multiplyAdds: number;
  /** Null where we know of no figure. */
  readonly published: PublishedAccuracy | null;
}

/**
 * An option of the group `model` and its tensors.
 *
 * @category Models
 */
export interface ModelDescription extends ModelInfo {
  /** Parameters and buffers, as checkpoints hold them: float32, counters int64. */
  readonly tensors: readonly ({
    /** PyTorch's state key: `layer1.0.conv1.weight`. */
    readonly name: string;
  } & TensorLayout)[];
}

/**
 * Where the options are looked for.
 *
 * @category Models
 */
export interface ListModelsOptions {
  /** A folder with config groups of your own, beside those of this package. */
  configDir?: string | undefined;
}

/**
 * All options of the group `model`, by name. Builds each model once, which takes a few seconds.
 * Errors: those of `loadConfig` for an option of your own that is not whole, `LIBTORCH_*`, `ADDON_*`.
 *
 * @category Models
 */
export function listModels(options: ListModelsOptions = {}): ModelInfo[] {
  return listOptions('model', options.configDir).map((option) => {
    const { tensors: _, ...info } = describeModel(option, options);
    return info;
  });
}

/**
 * One option of the group `model` with its tensors. Errors: as `listModels`; `CONFIG_UNKNOWN_OPTION`.
 *
 * @category Models
 */
export function describeModel(option: string, { configDir }: ListModelsOptions = {}): ModelDescription {
  const { model } = loadConfig({ configDir, overrides: [`model=${option}`] });
  const native = loadNative();
  const { parameterCount, tensors } = callNative(() => native.describeModel(model));
  const multiplyAdds = callNative(() => native.countMultiplyAdds(model));
  const published = PUBLISHED_ACCURACY[option] ?? null;
  return { option, label: modelLabel(model), parameterCount, multiplyAdds, published, tensors };
}
