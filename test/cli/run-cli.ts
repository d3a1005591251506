// Owns starting the built command line as a real process. Must not interpret what it prints.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { locateLibtorch } from '../../lib/libtorch/index.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';

export const CLI = join(PACKAGE_ROOT, 'dist/bin/cifar10-torch.js');

/** A model that trains on the sample in about a second. */
export const TINY = [
  'data_loading=sample',
  'model=cnn',
  'model.widths=[8,8]',
  'model.convs_per_stage=1',
  'training=standard',
  'training.optimizer.lr=0.02',
];

export interface CliOptions {
  env?: Record<string, string | undefined>;
  /** Program and arguments that start the command line, such as `setpriv …`. */
  launcher?: readonly string[];
}

export interface CliResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the command line; the environment variables CI and DEBUG, which change what is printed, are left out. */
export function startCli(words: readonly string[], { env, launcher = [] }: CliOptions = {}): ChildProcess {
  const [program = '', ...args] = [...launcher, process.execPath, CLI, ...words];
  const inherited = { ...process.env, CI: undefined, DEBUG: undefined, LIBTORCH: locateLibtorch().path };
  return spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...env } });
}

/** Collects what a started command line prints until it ends. */
export async function collect(child: ChildProcess): Promise<CliResult> {
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [stdout, stderr] = await Promise.all([streamText(child.stdout), streamText(child.stderr)]);
  return { exitCode: await ended, stdout, stderr };
}

/** Runs the command line to its end. */
export function runCli(words: readonly string[], options?: CliOptions): Promise<CliResult> {
  return collect(startCli(words, options));
}

/** The lines of a text that ends with a newline, as parsed JSON. */
export function jsonLines(output: string): unknown[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function streamText(stream: NodeJS.ReadableStream | null): Promise<string> {
  return stream === null ? Promise.resolve('') : text(stream);
}
