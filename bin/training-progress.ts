// Owns the progress of a training, from its events to what is shown. Must not draw.
import type { EpochEvent, KeptEvent, RunStartEvent, StepEvent, TrainEvent } from '../lib/index.js';
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
    else if (event.type === 'kept') this.#kept(event);
    else if (event.type === 'test') this.#test.show('test', event.done, event.total);
    else if (this.#run && event.type === 'step') this.#step(event, this.#run);
    else if (this.#run && event.type === 'epoch') this.#epoch(event, this.#run);
  }

  #start(run: RunStartEvent): void {
    this.#run = run;
    this.#steppedMs = performance.now();
    const { model, parameterCount, precision, device, threads, trainImages, epochs, step, steps, runDir } =
      run;
    this.#print(
      `training ${model} (${count(parameterCount)} parameters) in ${precision} on ${device}, ${counted(threads, 'thread')}`,
    );
    const from = step > 0 ? `, going on after step ${count(step)}` : '';
    this.#print(
      `${count(trainImages)} images, ${counted(epochs, 'epoch')}, ${counted(steps, 'step')}${from}`,
    );
    this.#print(`run folder ${shortPath(runDir)}`);
  }

  #kept({ error }: KeptEvent): void {
    if (error !== null) this.#print(`warning: ${error.message}`);
  }

  #step(event: StepEvent, run: RunStartEvent): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#steppedMs) / 1000;
    this.#steppedMs = nowMs;
    this.#steps.add(1, seconds);
    this.#images.add(event.imagesPerSecond * seconds, seconds);
    const { speed, loss, accuracy, left } = this.#figures(event, run);
    this.#progress.show({
      task: 'train',
      hasOwnLines: true,
      fraction: event.step / run.steps,
      details: [
        epochOf(event, run),
        `step ${event.step}/${run.steps}`,
        speed,
        loss,
        ...accuracy,
        `${left} left`,
      ],
      shortDetails: [epochOf(event, run).replace('epoch ', 'ep '), speed, loss, ...accuracy, left],
    });
  }

  #epoch(event: EpochEvent, run: RunStartEvent): void {
    const { speed, loss, accuracy, left } = this.#figures(event, run);
    const validation = event.val ? [`val acc ${percent(event.val.accuracy, 1)}`] : [];
    const done = percent(event.step / run.steps, 0).padStart(5);
    this.#print(
      [done, epochOf(event, run), speed, loss, ...accuracy, ...validation, `${left} left`].join('  '),
    );
  }

  /** Speed and time left are averages: what one step took says little. */
  #figures({ step, loss, accuracy }: StepEvent | EpochEvent, run: RunStartEvent) {
    return {
      speed: `${Math.round(this.#images.perSecond)} img/s`,
      loss: `loss ${loss.toFixed(3)}`,
      accuracy: accuracy === null ? [] : [`acc ${percent(accuracy, 1)}`],
      left: clock((run.steps - step) / this.#steps.perSecond),
    };
  }
}

function epochOf({ epoch }: StepEvent | EpochEvent, run: RunStartEvent): string {
  return `epoch ${epoch}/${Math.ceil(run.epochs)}`;
}
