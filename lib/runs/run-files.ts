// Owns the names of the files in a run folder.

/** The resolved configuration: give it to `--config` to repeat the run. */
export const CONFIG_FILE = 'config.yaml';
/** The overrides as they were given. */
export const OVERRIDES_FILE = 'overrides.yaml';
/** One line for each thing that happened. */
export const LOG_FILE = 'train.log';
/** One record for each epoch, as JSON lines and as CSV. */
export const METRICS_JSONL_FILE = 'metrics.jsonl';
export const METRICS_CSV_FILE = 'metrics.csv';
/** The trained model. */
export const CHECKPOINT_FILE = 'checkpoint.safetensors';
/** The whole state of a run that was stopped: model, optimizer, progress. */
export const LAST_FILE = 'last.safetensors';
