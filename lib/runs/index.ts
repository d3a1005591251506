// Owns the list of what is offered for runs and their folders. Exports only.
export { compareRuns, type Difference, type RunComparison } from './compare-runs.js';
export { canResume, findRun, listRuns, type RunInfo } from './list-runs.js';
export {
  BEST_FILE,
  CHECKPOINT_FILE,
  CONFIG_FILE,
  isStateFile,
  LAST_FILE,
  stateFile,
  stepOfStateFile,
} from './run-files.js';
export { RunFolder } from './run-folder.js';
export { type RunRecord, type RunStatus, readRecord, statusOf } from './run-record.js';
export { type RunPlan, RunRecorder } from './run-recorder.js';
