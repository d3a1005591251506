// Owns the list of what the configuration layer offers. Exports only.
export { completeOverride } from './complete.js';
export { expandSweep } from './composition/index.js';
export { type ConfigDefinition, type Defaults, defineConfig, type KnownOptions } from './define.js';
export { assertValidInference } from './inference.js';
export { type DocumentedKey, documentKeys } from './key-defaults.js';
export { configToSnake, type Tree } from './keys.js';
export {
  type ComposedConfig,
  composeConfig,
  configToYaml,
  type LoadConfigOptions,
  loadConfig,
  overrideConfig,
  treeToYaml,
} from './load.js';
export { modelLabel } from './model-label.js';
export { nearestKey } from './nearest-key.js';
export { listGroups, listOptions } from './packaged.js';
export { type KeyInfo, listKeys } from './schema-keys.js';
export { type Config, parseConfig } from './validate.js';
