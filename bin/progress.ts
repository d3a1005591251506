// Owns the progress display on stderr: a bar on a terminal, plain lines in a log, nothing if unwanted.
// Must not know what makes progress: it is given a share and texts.
import { MultiBar, type Options, type Params, type SingleBar } from 'cli-progress';

/** What is shown at one moment. */
export interface ProgressState {
  /** Names the work; another name means that other work has begun. */
  task: string;
  /** 0–1; undefined if the end is not known. */
  fraction: number | undefined;
  /** Texts in the order of display. */
  details: readonly string[];
  /** The same in fewer words, for a line too narrow for the others; what still does not fit is cut off. */
  shortDetails?: readonly string[] | undefined;
  /** Whether lines about the same work are printed as well: a log then needs others only after a long silence. */
  hasOwnLines?: boolean | undefined;
}

export interface Progress {
  show(state: ProgressState): void;
  /** Prints a line that stays, above the bar if there is one. */
  print(line: string): void;
  /** Takes the bar away. Further calls begin a new one. */
  close(): void;
}

type TextStream = NodeJS.WriteStream;

/** The display that suits the stream: a bar only where a person watches, and not for a script that asks for JSON. */
export function createProgress(stream: TextStream, isQuiet: boolean, isJson: boolean): Progress {
  const isWatched = stream.isTTY && !process.env.CI && process.env.TERM !== 'dumb';
  if (isWatched && !isQuiet && !isJson) return new BarProgress(stream);
  return new LineProgress(stream, isQuiet);
}

const FRAMES_PER_SECOND = 5;
/** Of a terminal that does not say. */
const DEFAULT_COLUMNS = 80;
const MAX_BAR_LENGTH = 30;
const MIN_BAR_LENGTH = 5;

class BarProgress implements Progress {
  readonly #stream: TextStream;
  #display: { bars: MultiBar; bar: SingleBar } | undefined;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  show(state: ProgressState): void {
    this.#display ??= this.#open(state);
    this.#display.bar.update(state.fraction ?? 0, { state });
  }

  print(line: string): void {
    if (this.#display) this.#display.bars.log(`${line}\n`);
    else this.#stream.write(`${line}\n`);
  }

  close(): void {
    this.#display?.bars.update(); // writes the lines not yet printed
    this.#display?.bars.stop();
    this.#display = undefined;
  }

  #open(state: ProgressState) {
    const bars = new MultiBar({
      stream: this.#stream,
      fps: FRAMES_PER_SECOND,
      clearOnComplete: true,
      hideCursor: true,
      linewrap: true, // for the lines printed above; the bar itself always fits
      forceRedraw: true, // a printed line has overwritten the bar
      gracefulExit: false, // signals are not its business
      format: (_options: Options, _params: Params, payload: { state: ProgressState }) =>
        barLine(payload.state, this.#stream.columns || DEFAULT_COLUMNS),
    });
    return { bars, bar: bars.create(1, 0, { state }) };
  }
}

/** The bar takes the room that the text leaves. */
function barLine({ fraction, details, shortDetails = details }: ProgressState, columns: number): string {
  if (fraction === undefined) return details.join(' ').slice(0, columns - 1);
  const whole = `${wholePercent(fraction)} ${details.join(' ')}`;
  const fits = whole.length + MIN_BAR_LENGTH + 2 <= columns;
  const text = fits ? whole : `${wholePercent(fraction)} ${shortDetails.join(' ')}`;
  const room = columns - text.length - 2;
  const length = Math.max(MIN_BAR_LENGTH, Math.min(MAX_BAR_LENGTH, room));
  const filled = Math.round(length * Math.min(1, fraction));
  return `${'█'.repeat(filled)}${'░'.repeat(length - filled)} ${text}`.slice(0, columns - 1);
}

const LONGEST_SILENCE_MS = 10_000;
const LONGEST_SILENCE_BETWEEN_LINES_MS = 60_000;
const SHORTEST_SILENCE_MS = 1_000;

/**
 * A line at each tenth of the work, but not more than one a second, and at least one each ten seconds; where the work
 * has lines of its own, only after a minute of silence.
 */
class LineProgress implements Progress {
  readonly #stream: TextStream;
  readonly #isQuiet: boolean;
  #task: string | undefined;
  #tenth = 0;
  #printedMs = 0;

  constructor(stream: TextStream, isQuiet: boolean) {
    this.#stream = stream;
    this.#isQuiet = isQuiet;
  }

  show({ task, fraction, details, hasOwnLines = false }: ProgressState): void {
    if (this.#isQuiet) return;
    if (task !== this.#task) {
      this.#task = task;
      this.#tenth = 0;
      this.#printedMs = performance.now();
    }
    if (!this.#isDue(fraction, hasOwnLines)) return;
    this.#tenth = Math.floor(10 * (fraction ?? 0));
    this.print([...(fraction === undefined ? [] : [wholePercent(fraction)]), ...details].join('  '));
  }

  print(line: string): void {
    this.#printedMs = performance.now();
    this.#stream.write(`${line}\n`);
  }

  close(): void {}

  #isDue(fraction = 0, hasOwnLines = false): boolean {
    const silenceMs = performance.now() - this.#printedMs;
    if (hasOwnLines) return silenceMs >= LONGEST_SILENCE_BETWEEN_LINES_MS;
    const hasAdvanced = Math.floor(10 * fraction) > this.#tenth;
    return silenceMs >= (hasAdvanced ? SHORTEST_SILENCE_MS : LONGEST_SILENCE_MS);
  }
}

function wholePercent(fraction: number): string {
  return `${String(Math.floor(100 * fraction)).padStart(3)} %`;
}
