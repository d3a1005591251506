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
/** The newest whole state of a run that has not finished: model, optimizer, progress. */
export const LAST_FILE = 'last.safetensors';
/** The weights of the best epoch so far, by `training.select`, of a run that has not finished. */
export const BEST_FILE = 'best.safetensors';

/** An earlier state, after that step. In the order of their names they are in the order of their steps. */
export function stateFile(step: number): string {
  return `step-${String(step).padStart(9, '0')}.safetensors`;
}

/** The step of an earlier state by the name of its file; undefined for other files. */
export function stepOfStateFile(name: string): number | undefined {
  const digits = /^step-(\d{9,})\.safetensors$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function isStateFile(name: string): boolean {
  return stepOfStateFile(name) !== undefined;
}
