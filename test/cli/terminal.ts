// Owns running the command line in a pseudo-terminal of 80 columns and reading its screen as a person would.
// `script` (util-linux) makes the terminal, xterm's own emulator reads what is written to it.
import { spawn } from 'node:child_process';
import xterm from '@xterm/headless';
import { onTestFinished } from 'vitest';
import { locateLibtorch } from '../../lib/libtorch/index.js';
import { CLI } from './run-cli.js';

const COLUMNS = 80;
const ROWS = 40;

export interface TerminalOptions {
  cwd: string;
  env?: Record<string, string | undefined>;
}

/** The command line in a terminal: its screen, its keyboard, its end. */
export class Terminal {
  readonly #screen = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  readonly #child;
  readonly #ended: Promise<number | null>;
  /** Everything that was written, with its control sequences. */
  raw = '';

  constructor(words: readonly string[], { cwd, env }: TerminalOptions) {
    const quoted = [process.execPath, CLI, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    const command = `stty cols ${COLUMNS} rows ${ROWS}; exec ${quoted.join(' ')}`;
    const base = {
      ...process.env,
      CI: undefined,
      DEBUG: undefined,
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
    };
    this.#child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      cwd,
      env: { ...base, TERM: 'xterm-256color', LIBTORCH: locateLibtorch().path, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text;
      this.#screen.write(text);
    });
    this.#ended = new Promise((resolve) => this.#child.on('close', resolve));
    onTestFinished(() => {
      this.#child.kill('SIGKILL');
    });
  }

  /** Types the text; `\x03` is Ctrl-C, which the terminal turns into SIGINT. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  /** The lines of the screen, without the empty ones at the end. */
  async lines(): Promise<string[]> {
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    const buffer = this.#screen.buffer.active;
    const lines = Array.from(
      { length: buffer.length },
      (_, y) => buffer.getLine(y)?.translateToString(true) ?? '',
    );
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
  }

  /** Waits until a line of the screen matches, and returns it. */
  async waitFor(pattern: RegExp, timeoutMs = 60_000): Promise<string> {
    for (const startedMs = performance.now(); performance.now() - startedMs < timeoutMs; ) {
      const line = (await this.lines()).find((text) => pattern.test(text));
      if (line !== undefined) return line;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${pattern} did not appear on the screen:\n${(await this.lines()).join('\n')}`);
  }

  /** Waits for the end of the program; its exit code. */
  async end(): Promise<number | null> {
    const code = await this.#ended;
    await this.lines();
    return code;
  }
}
