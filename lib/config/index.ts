// Owns the list of what the configuration layer offers. Exports only.
export { listGroups, listOptions } from './groups.js';
export { configToSnake } from './keys.js';
export { type ConfigValues, configToYaml, type LoadConfigOptions, loadConfig } from './load.js';
export { modelLabel } from './model-label.js';
export { assertValidRuntime } from './runtime.js';
export { type Config, parseConfig } from './validate.js';
