// Owns what a run leaves in its folder while it goes on: run.json, the log, the metrics. Must not know how a run is
// computed, nor write checkpoints.
import { stringify as stringifyCsv } from 'csv-stringify/sync';
import { stringify as stringifyYaml } from 'yaml';
import type { EpochEvent, StartEvent, StepEvent, TestEvent } from '../native-addon.js';
import { thisProcess } from '../process-identity.js';
import { CONFIG_FILE, LOG_FILE, METRICS_CSV_FILE, METRICS_JSONL_FILE, OVERRIDES_FILE } from './run-files.js';
import type { RunFolder } from './run-folder.js';
import { encodeRecord, RECORD_FILE, type RunRecord } from './run-record.js';

/** What is known of a run before it begins. */
export type RunPlan = Pick<RunRecord, 'model' | 'seed' | 'epochs' | 'overrides' | 'version'> & {
  /** The resolved configuration. */
  configYaml: string;
};

/** What changes in the record as the run goes on. */
type Progress = Partial<Omit<RunRecord, keyof RunPlan | 'formatVersion' | 'process' | 'startedAt'>>;

/** An epoch's line in the metrics. */
type EpochRecord = Omit<EpochEvent, 'type'>;

const CSV_COLUMNS = [
  'epoch',
  'step',
  'loss',
  'accuracy',
  'duration_seconds',
  'val_accuracy',
  'val_cross_entropy',
];

/** What a write that fails does to a training that goes on. */
type OnError = 'continue' | 'stop';

/**
 * Writes the files of one run. Errors of every method: `DISK_FULL`, `NOT_WRITABLE`; between its start and its end only
 * where they are to stop it, else what could not be written is written later.
 */
export class RunRecorder {
  readonly #folder: RunFolder;
  readonly #startedMs = performance.now();
  readonly #earlierSeconds: number;
  #record: RunRecord;
  #epochs = 0;
  readonly #vals = new Map<number, RunRecord['val']>();
  readonly #goesOn: boolean;
  /** The record is written while the training goes on, one version after the other. */
  #saved: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(folder: RunFolder, record: RunRecord, onError: OnError) {
    this.#folder = folder;
    this.#goesOn = onError === 'continue';
    this.#record = record;
    this.#earlierSeconds = record.durationSeconds;
  }

  /** Begins the files of a new run. */
  static async begin(
    folder: RunFolder,
    { configYaml, ...plan }: RunPlan,
    onError: OnError,
  ): Promise<RunRecorder> {
    const recorder = new RunRecorder(folder, { ...UNKNOWN, ...plan, ...beginning() }, onError);
    await folder.write(CONFIG_FILE, configYaml);
    await folder.write(OVERRIDES_FILE, stringifyYaml(plan.overrides));
    folder.append(METRICS_CSV_FILE, stringifyCsv([CSV_COLUMNS]));
    folder.append(METRICS_JSONL_FILE, '');
    await recorder.#save({});
    return recorder;
  }

  /**
   * Goes on with the files of a run whose state after `step` updates is known; what it did later is taken back.
   * `plan`: where it goes on with other settings than it had.
   */
  static async resume(
    folder: RunFolder,
    record: RunRecord,
    { step, plan }: { step: number; plan: RunPlan | null },
    onError: OnError,
  ): Promise<RunRecorder> {
    const recorder = new RunRecorder(folder, record, onError);
    const epochs = (await folder.readLines(METRICS_JSONL_FILE)).flatMap(parseEpoch);
    const kept = epochs.filter((epoch) => epoch.step <= step);
    for (const { epoch, val } of kept) recorder.#vals.set(epoch, val ?? null);
    const val = kept.findLast((epoch) => epoch.val)?.val ?? null;
    recorder.#record = { ...recorder.#record, val };
    await folder.removeTemporaries();
    await folder.write(METRICS_JSONL_FILE, kept.map(jsonLine).join(''));
    await folder.write(METRICS_CSV_FILE, stringifyCsv([CSV_COLUMNS, ...kept.map(csvRow)]));
    if (plan !== null) await recorder.#replacePlan(plan);
    await recorder.#save({ status: 'running', step, endedAt: null, error: null });
    return recorder;
  }

  /** Whether an epoch has ended since the run was begun or resumed. */
  get hasEpochs(): boolean {
    return this.#epochs > 0;
  }

  /** To be called with every event, in order. */
  add(event: StartEvent | StepEvent | EpochEvent | TestEvent): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (event.type === 'start') this.#start(event);
    else if (event.type === 'step') this.#record = { ...this.#record, step: event.step };
    else if (event.type === 'epoch') this.#epoch(event);
  }

  /** The end of the run, whatever it is. */
  async end(status: 'finished' | 'stopped' | 'failed', progress: Progress): Promise<void> {
    const { test, error, checkpoint } = progress;
    if (test) this.log(`test accuracy ${test.accuracy} cross-entropy ${test.crossEntropy}`);
    if (error) this.log(`${error.code}: ${error.message}`);
    this.log(`${status}${checkpoint ? `, ${checkpoint}` : ''}`);
    await this.settle();
    await this.#save({ ...progress, status, endedAt: new Date().toISOString() });
  }

  /** Waits for what is being written; must come before the folder is removed, which a write would make again. */
  async settle(): Promise<void> {
    await this.#saved;
  }

  /** On the images held out of train, after that epoch; null: the last that had a validation. */
  valAfter(epoch: number | null): RunRecord['val'] {
    return epoch === null ? this.#record.val : (this.#vals.get(epoch) ?? null);
  }

  /** The whole state after that step is in the file. */
  noteState(step: number, file: string): void {
    this.log(`state after step ${step} in ${file}`);
    this.#record = { ...this.#record, checkpoint: file };
    this.#saveSoon();
  }

  /** One line with the time. */
  log(text: string): void {
    this.#append(LOG_FILE, `${new Date().toISOString()} ${text}\n`);
  }

  #append(name: string, text: string): void {
    try {
      this.#folder.append(name, text);
    } catch (error) {
      if (!this.#goesOn) throw error;
    }
  }

  #start(event: StartEvent): void {
    const { precision, device, threads, trainImages, valImages, steps, step, parameterCount } = event;
    this.#record = { ...this.#record, step, steps, device, threads, precision };
    const { model, seed } = this.#record;
    const from = step > 0 ? `, from step ${step}` : '';
    this.log(
      `start ${model}, ${parameterCount} parameters, seed ${seed}, ${precision}, ${device}, ${threads} threads`,
    );
    this.log(`${trainImages} train and ${valImages} val images, ${steps} steps${from}`);
    this.#saveSoon();
  }

  #epoch({ type: _, ...epoch }: EpochEvent): void {
    this.#epochs++;
    this.#append(METRICS_JSONL_FILE, jsonLine(epoch));
    this.#append(METRICS_CSV_FILE, stringifyCsv([csvRow(epoch)]));
    const { step, loss, accuracy, val } = epoch;
    this.#record = { ...this.#record, val: val ?? this.#record.val };
    this.#vals.set(epoch.epoch, val ?? null);
    const validation = val ? ` val accuracy ${val.accuracy}` : '';
    this.log(`epoch ${epoch.epoch} step ${step} loss ${loss} accuracy ${accuracy}${validation}`);
    this.#saveSoon();
  }

  #saveSoon(): void {
    const durationSeconds = this.#earlierSeconds + (performance.now() - this.#startedMs) / 1000;
    this.#saved = this.#saved
      .then(() => this.#save({ durationSeconds }))
      .catch((error: unknown) => {
        if (!this.#goesOn) this.#failure = error;
      });
  }

  async #replacePlan({ configYaml, ...plan }: RunPlan): Promise<void> {
    this.#record = { ...this.#record, ...plan };
    await this.#folder.write(CONFIG_FILE, configYaml);
    await this.#folder.write(OVERRIDES_FILE, stringifyYaml(plan.overrides));
  }

  async #save(progress: Progress): Promise<void> {
    this.#record = { ...this.#record, ...progress, process: thisProcess() };
    await this.#folder.write(RECORD_FILE, encodeRecord(this.#record));
  }
}

/** Of a run that has just begun. */
const UNKNOWN = {
  step: 0,
  steps: 0,
  endedAt: null,
  durationSeconds: 0,
  trainSeconds: null,
  testSeconds: null,
  imagesPerSecond: null,
  device: null,
  threads: null,
  precision: null,
  peakMemoryBytes: null,
  test: null,
  hasEndedEarly: false,
  bestEpoch: null,
  val: null,
  checkpoint: null,
  error: null,
} as const;

function beginning() {
  return {
    formatVersion: 1,
    status: 'running',
    startedAt: new Date().toISOString(),
    process: thisProcess(),
  } as const;
}

/** Nothing for a line that a crash has cut off. */
function parseEpoch(line: string): EpochRecord[] {
  try {
    return [JSON.parse(line) as EpochRecord];
  } catch {
    return [];
  }
}

function jsonLine(epoch: EpochRecord): string {
  return `${JSON.stringify(epoch)}\n`;
}

function csvRow({ epoch, step, loss, accuracy, durationSeconds, val }: EpochRecord): (number | null)[] {
  return [epoch, step, loss, accuracy, durationSeconds, val?.accuracy ?? null, val?.crossEntropy ?? null];
}
