// Owns the files that a training leaves while it goes on: its newest state, earlier ones, the weights of its best epoch.
// They are written one after the other; the training has no more than one of each kind in waiting. Must not know how a checkpoint is written.
import type { BestEvent, StateEvent, TrainingState } from './native-addon.js';
import { BEST_FILE, isStateFile, LAST_FILE, type RunFolder, stateFile } from './runs/index.js';

/** Write a file into the run's folder, whole or not at all. */
export interface Savers {
  /** As `LAST_FILE`. */
  saveState(state: TrainingState): Promise<void>;
  /** As `BEST_FILE`. */
  saveBest(event: BestEvent): Promise<void>;
}

/** What became of a file; `error` is null where it was written. */
export interface Kept {
  readonly name: string;
  /** Of the training when it was taken; null for the best weights. */
  readonly step: number | null;
  readonly error: unknown;
}

export class StateKeeper {
  readonly #folder: RunFolder;
  readonly #keep: number;
  readonly #savers: Savers;
  #writing: Promise<void> = Promise.resolve();
  /** Of the state in `LAST_FILE`; null where there is none. */
  #lastStep: number | null;

  /** `keep`: how many states stay. `lastStep`: of the state that is there already. */
  constructor(
    folder: RunFolder,
    { keep, lastStep }: { keep: number; lastStep: number | null },
    savers: Savers,
  ) {
    this.#folder = folder;
    this.#keep = keep;
    this.#lastStep = lastStep;
    this.#savers = savers;
  }

  /** Whether there is a state to go on from. */
  get hasState(): boolean {
    return this.#lastStep !== null;
  }

  /** To be called with every such event. `onKept` must not throw. */
  take(event: StateEvent | BestEvent, onKept: (kept: Kept) => void): void {
    const isState = event.type === 'state';
    const name = isState ? LAST_FILE : BEST_FILE;
    const step = isState ? event.state.step : null;
    const save = () => (isState ? this.#replaceLast(event.state) : this.#savers.saveBest(event));
    this.#writing = this.#writing
      .then(save)
      .then(
        () => onKept({ name, step, error: null }),
        (error: unknown) => onKept({ name, step, error }),
      )
      .finally(event.kept);
  }

  /** Writes the state that a training ends with. Errors: those of the saver. */
  async saveLast(state: TrainingState): Promise<void> {
    await this.settle();
    await this.#replaceLast(state);
  }

  /** Waits for what is being written. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  /** For a training that is finished: its checkpoint takes their place. Earlier states that were to be kept stay. */
  async removeLast(): Promise<void> {
    await this.settle();
    await this.#folder.remove(LAST_FILE);
    await this.#folder.remove(BEST_FILE);
  }

  async #replaceLast(state: TrainingState): Promise<void> {
    if (this.#keep > 1 && this.#lastStep !== null)
      await this.#folder.link(LAST_FILE, stateFile(this.#lastStep));
    await this.#savers.saveState(state);
    this.#lastStep = state.step;
    const earlier = (await this.#folder.list()).filter(isStateFile).sort();
    for (const name of earlier.slice(0, Math.max(0, earlier.length - this.#keep + 1)))
      await this.#folder.remove(name);
  }
}
