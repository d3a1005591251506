// Owns making a checkpoint of weights that were trained elsewhere, in Python above all. Must not change a weight.
import { resolve } from 'node:path';
import { assertTensorsMatch, readWeights, saveCheckpoint } from './checkpoint/index.js';
import { configToSnake, type LoadConfigOptions, loadConfig, modelLabel } from './config/index.js';
import { CLASS_NAMES } from './dataset/index.js';
import { versionsNow } from './exactness.js';
import { expectedTensors } from './model.js';
import { loadNative } from './native.js';

/**
 * The weights, and the configuration of the net that they belong to.
 *
 * @category Checkpoints
 */
export interface ImportWeightsOptions extends LoadConfigOptions {
  /**
   * A safetensors file with exactly the tensors of the configured model under PyTorch's state keys, as
   * `safetensors.torch.save_file(model.state_dict(), path)` writes it: float32, counters int64.
   */
  weights: string;
  /** The checkpoint to write; a file of that name is replaced. */
  output: string;
}

/**
 * The checkpoint that was made.
 *
 * @category Checkpoints
 */
export interface ImportedWeights {
  /** Absolute path of the checkpoint file. */
  checkpoint: string;
  /** The name that it has in tables: `fast`, `resnet20`… */
  model: string;
  /** Weights and biases; frozen ones count, running statistics do not. */
  parameterCount: number;
}

/**
 * Writes a checkpoint of the weights and the configuration: `model` is the net they belong to,
 * `data_loading.normalization` the one it was trained with.
 * Errors: `CONFIG_*`, `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_INVALID`, `CHECKPOINT_MISMATCH` which names the first tensor
 * that differs, `DISK_FULL`, `NOT_WRITABLE`, `LIBTORCH_*`, `ADDON_*`.
 *
 * @category Checkpoints
 */
export async function importWeights(options: ImportWeightsOptions): Promise<ImportedWeights> {
  const { weights, output } = options;
  const config = loadConfig(options);
  const native = loadNative();
  const expected = expectedTensors(native, config);
  const tensors = await readWeights(weights, (layouts) =>
    assertTensorsMatch(`the file of weights "${weights}"`, layouts, expected),
  );
  await saveCheckpoint(output, {
    tensors,
    config: configToSnake(config),
    classNames: CLASS_NAMES,
    normalization: config.dataLoading.normalization,
    metrics: {},
    versions: versionsNow(),
  });
  const { parameterCount } = native.describeModel(config.model);
  return { checkpoint: resolve(output), model: modelLabel(config.model), parameterCount };
}
