// Owns the progress of a training, from its events to what is shown. Must not draw.
import type { EpochEvent, RunStartEvent, StepEvent, TrainEvent } from '../lib/index.js';
import { AmountProgress, IMAGES } from './amount-progress.js';
import { clock, count, counted, percent, shortPath } from './format.js';
import type { Progress } from './progress.js';
import { Rate } from './rate.js';

/** Feeds a display with the events of one training, in their order. */
export class TrainingProgress {
  readonly #progress: Progress;
  readonly #print: (line: string) => void;
  readonly #test: AmountProgress;
  readonly #steps = new Rate();
  readonly #images = new Rate();
  #run: RunStartEvent | undefined;
  #steppedMs = 0;

  /** `print` takes the lines that stay. */
  constructor(progress: Progress, print: (line: string) => void) {
    this.#progress = progress;
    this.#print = print;
    this.#test = new AmountProgress(progress, IMAGES);
  }

  show(event: TrainEvent): void {
    if (event.type === 'start') this.#start(event);
    else if (event.type === 'test') this.#test.show('test', event.done, event.total);
    else if (this.#run && event.type === 'step') this.#step(event, this.#run);
    else if (this.#run && event.type === 'epoch') this.#epoch(event, this.#run);
  }

  #start(run: RunStartEvent): void {
    this.#run = run;
    this.#steppedMs = performance.now();
    const { model, parameterCount, device, threads, trainImages, epochs, steps, runDir } = run;
    this.#print(
      `training ${model} (${count(parameterCount)} parameters) on ${device}, ${counted(threads, 'thread')}`,
    );
    this.#print(`${count(trainImages)} images, ${counted(epochs, 'epoch')}, ${counted(steps, 'step')}`);
    this.#print(`run folder ${shortPath(runDir)}`);
  }

  #step(event: StepEvent, run: RunStartEvent): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#steppedMs) / 1000;
    this.#steppedMs = nowMs;
    this.#steps.add(1, seconds);
    this.#images.add(event.imagesPerSecond * seconds, seconds);
    const details = [epochOf(event, run), `step ${event.step}`, ...this.#figures(event, run)];
    this.#progress.show({ task: 'train', fraction: event.step / run.steps, details });
  }

  #epoch(event: EpochEvent, run: RunStartEvent): void {
    const validation = event.val ? [`val acc ${percent(event.val.accuracy, 1)}`] : [];
    const done = percent(event.step / run.steps, 0).padStart(5);
    this.#print([done, epochOf(event, run), ...this.#figures(event, run), ...validation].join('  '));
  }

  /** Speed and time left are averages: what one step took says little. */
  #figures({ step, loss, accuracy }: StepEvent | EpochEvent, run: RunStartEvent): string[] {
    const secondsLeft = (run.steps - step) / this.#steps.perSecond;
    return [
      `${Math.round(this.#images.perSecond)} img/s`,
      `loss ${loss.toFixed(3)}`,
      `acc ${percent(accuracy, 1)}`,
      `${clock(secondsLeft)} left`,
    ];
  }
}

function epochOf({ epoch }: StepEvent | EpochEvent, run: RunStartEvent): string {
  return `epoch ${epoch}/${Math.ceil(run.epochs)}`;
}
