// Owns the built server as a process that can be killed and started again at the same address. Must not send it images.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { collect, startCli } from '../cli/run-cli.js';

export class ServerProcess {
  readonly #words: readonly string[];
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #url: URL | undefined;

  /** `words`: options of `serve`; `env`: added to the environment. */
  constructor(words: readonly string[], env: Record<string, string> = {}) {
    this.#words = words;
    this.#env = env;
  }

  /** Of its page. */
  get url(): string {
    return String(this.#url);
  }

  /** Resolves when it is ready; at any port the first time, then at the same one. */
  async start(): Promise<void> {
    const port = this.#url?.port ?? '0';
    const words = ['serve', '--port', port, '--log-level', 'silent', '--threads', '1', ...this.#words];
    const child = startCli(words, { env: this.#env });
    this.#child = child;
    for await (const line of createInterface(child.stderr as Readable)) {
      const [address] = /http:\S+/.exec(line) ?? [];
      if (address === undefined) continue;
      this.#url = new URL(address);
      return;
    }
    throw new Error(`the server did not start: exit code ${(await collect(child)).exitCode}`);
  }

  /** Does not wait for its end. */
  signal(name: 'SIGHUP' | 'SIGTERM'): void {
    this.#child?.kill(name);
  }

  /** Ends it at once, whatever it does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.ended();
  }

  async ended(): Promise<void> {
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null)
      await once(child, 'exit');
  }
}

/** A server for one test. */
export async function startServer(
  words: readonly string[],
  env?: Record<string, string>,
): Promise<ServerProcess> {
  const server = new ServerProcess(words, env);
  onTestFinished(() => server.kill());
  await server.start();
  return server;
}
