// Owns running another program within a bounded time and saying how it ended.
// Must not judge what it printed, nor fail: a program that crashes, hangs or is missing is a result.
import { type ChildProcess, spawn } from 'node:child_process';
import { errorMessage } from './errors.js';

const OUTPUT_LIMIT = 1 << 16; // characters of each stream: the last ones, as an answer comes at the end

export interface ChildOptions {
  timeoutMs: number;
  env?: NodeJS.ProcessEnv | undefined;
  /** Ends the program. */
  signal?: AbortSignal | undefined;
}

export type ChildEnd =
  | { kind: 'exited'; exitCode: number }
  | { kind: 'killed'; signalName: string }
  | { kind: 'timeout'; timeoutMs: number }
  | { kind: 'not started'; reason: string }
  | { kind: 'stopped' };

export interface ChildResult {
  end: ChildEnd;
  stdout: string;
  stderr: string;
}

/** Runs the program to its end or for `timeoutMs`, whichever comes first. Never rejects. */
export async function runChild(
  program: string,
  args: readonly string[],
  options: ChildOptions,
): Promise<ChildResult> {
  try {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
    });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const end = await endOf(child, options);
    return { end, stdout: stdout(), stderr: stderr() };
  } catch (error) {
    return { end: { kind: 'not started', reason: errorMessage(error) }, stdout: '', stderr: '' };
  }
}

/** As the end of a sentence about the program. */
export function describeEnd(end: ChildEnd): string {
  if (end.kind === 'exited') return `ended with exit code ${end.exitCode}`;
  if (end.kind === 'killed') return `was killed by ${end.signalName}`;
  if (end.kind === 'timeout') return `gave no answer within ${end.timeoutMs / 1000} s`;
  return end.kind === 'stopped' ? 'was stopped' : `could not be started: ${end.reason}`;
}

/** The one line of an error output that says most, or the empty text. */
export function mainLine(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((text) => /^\s*(what\(\)|\w*Error\b.*):/.test(text)) ?? lines[0] ?? '';
  return excerpt(line);
}

/** The start of a text of unknown origin, fit for a terminal. */
export function excerpt(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return printable.length > 120 ? `${printable.slice(0, 117)}...` : printable;
}

/** Collects the end of what the stream gives; the function returns it. */
function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-OUTPUT_LIMIT);
  });
  return () => text;
}

async function endOf(child: ChildProcess, { timeoutMs, signal }: ChildOptions): Promise<ChildEnd> {
  const kill = () => killIfStarted(child);
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  // A child of ours must not outlive us.
  process.once('exit', kill);
  try {
    return await new Promise<ChildEnd>((resolve) => {
      child.once('error', (error) => resolve({ kind: 'not started', reason: error.message }));
      child.once('close', (exitCode, signalName) =>
        resolve(signalName ? { kind: 'killed', signalName } : { kind: 'exited', exitCode: exitCode ?? 0 }),
      );
      timer = setTimeout(() => resolve({ kind: 'timeout', timeoutMs }), timeoutMs);
      stop = () => resolve({ kind: 'stopped' });
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted) stop();
    });
  } finally {
    clearTimeout(timer);
    if (stop) signal?.removeEventListener('abort', stop);
    process.off('exit', kill);
    abandon(child);
  }
}

/** One that could not be started has the process id 0 until Node.js has told of the error: a signal would reach our whole group. */
function killIfStarted(child: ChildProcess): void {
  if (child.pid !== undefined) child.kill('SIGKILL');
}

/** Not awaited: a process that waits for a dead network disk does not even obey SIGKILL. */
function abandon(child: ChildProcess): void {
  killIfStarted(child);
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}
