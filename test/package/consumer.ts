// Owns a machine as a user of the package has it: the packed tarball, an empty folder to install it into, and a PATH without
// compiler and CMake.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../../lib/package-root.js';

/** What the PATH offers beside python3, with which LibTorch arrives where its own site is blocked. */
const PROGRAMS = ['node', 'sh', 'env'];
const INSTALL = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];

export interface Packed {
  path: string;
  sizeBytes: number;
  unpackedBytes: number;
  files: string[];
}

/** What `npm publish` would send. */
export function pack(folder: string): Packed {
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [report] = JSON.parse(execFileSync('npm', words, { cwd: PACKAGE_ROOT, encoding: 'utf8' }));
  return {
    path: join(folder, report.filename),
    sizeBytes: report.size,
    unpackedBytes: report.unpackedSize,
    files: report.files.map(({ path }: { path: string }) => path),
  };
}

interface RunOptions {
  /** Relative to the consumer's folder. */
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

export class Consumer {
  readonly folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-consumer-'));
  readonly cache = join(this.folder, 'cache');
  readonly #path: string;

  constructor() {
    this.#path = join(this.folder, 'path');
    mkdirSync(this.#path);
    for (const name of PROGRAMS) symlinkSync(whereIs(name), join(this.#path, name));
    // Not a link: a Python that is found by another name looks for its libraries elsewhere.
    writeFileSync(join(this.#path, 'python3'), `#!/bin/sh\nexec ${realPython()} "$@"\n`, { mode: 0o755 });
    this.write('package.json', JSON.stringify({ name: 'consumer', private: true }));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** Installs without install scripts. npm runs by the full path of its program, as the PATH has none. */
  install(packages: readonly string[], folder = '.') {
    return this.run(process.execPath, [
      whereIsNpm(),
      ...INSTALL,
      '--prefix',
      join(this.folder, folder),
      ...packages,
    ]);
  }

  /** The command line as installed: what `npx cifar10-torch` would start. */
  cli(words: readonly string[], options?: RunOptions) {
    return this.run(join(this.folder, 'node_modules/.bin/cifar10-torch'), words, options);
  }

  /** Runs `text` as the file `name` of the consumer's folder. */
  node(name: string, text: string, options?: RunOptions) {
    return this.run(process.execPath, [this.write(name, text)], options);
  }

  /** Starts a program that is there already; its end is the caller's business. */
  start(name: string, words: readonly string[]): ChildProcess {
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    return spawn(process.execPath, [name, ...words], {
      cwd: this.folder,
      env: this.#environment(),
      stdio: [...stdio],
    });
  }

  /** Runs to a successful end and returns what it wrote to stdout. */
  async run(program: string, args: readonly string[], { cwd, env }: RunOptions = {}): Promise<string> {
    const { stdout } = await promisify(execFile)(program, args, {
      cwd: join(this.folder, cwd ?? '.'),
      env: { ...this.#environment(), ...env },
      maxBuffer: 1 << 26,
    });
    return stdout;
  }

  /** The home stays, because settings of registries and proxies lie there; the cache is one of its own. */
  #environment(): NodeJS.ProcessEnv {
    const { LIBTORCH: _, ...rest } = process.env;
    return { ...rest, PATH: this.#path, CIFAR10_TORCH_CACHE: this.cache };
  }
}

function whereIs(program: string): string {
  if (program === 'node') return process.execPath;
  return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
}

function realPython(): string {
  return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
}

function whereIsNpm(): string {
  const prefix = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  return join(prefix, 'npm/bin/npm-cli.js');
}
