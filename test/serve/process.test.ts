// The server as a process: how it ends under load, what signals do at any time, and what it says when it cannot start.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { collect, runCli, startCli } from '../cli/run-cli.js';
import { runProcess } from '../run-process.js';
import { temporaryFolder } from '../support.js';
import { png, sharedCheckpoint, until } from './support.js';

const checkpoint = sharedCheckpoint();
const other = sharedCheckpoint(['training.seed=2']);

/** A started server and where it listens, once it says so; it is killed when the test ends. */
async function start(words: readonly string[] = [], path = checkpoint()) {
  const child = startCli(['serve', '--checkpoint', path, '--port', '0', '--log-level', 'info', ...words]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const end = collect(child);
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += chunk;
      const [, address] = /serving .* at (http\S+)/.exec(text) ?? [];
      if (address !== undefined) resolve(address);
    });
    child.once('exit', () => reject(new Error(text)));
  });
  return { child, url, end };
}

/** Waits for the first line that says that it listens: it still loads then. */
async function startLoading() {
  const child = startCli(['serve', '--checkpoint', checkpoint(), '--port', '0', '--log-level', 'info']);
  onTestFinished(() => void child.kill('SIGKILL'));
  const end = collect(child);
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  return { child, end };
}

const statusOf = async (url: string) => (await fetch(url)).status;
const versionAt = async (url: string): Promise<unknown> =>
  ((await (await fetch(`${url}/v1/model`)).json()) as { version: unknown }).version;

describe('the end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('by %s under load: all that came is answered', async (signal) => {
    const { child, url, end } = await start(['--drain-delay-ms', '1000']);
    const body = await png(0);
    const statuses: number[] = [];
    let told = 0;
    // As a balancer and its clients do: each goes on over the connection it has until it is told to leave.
    const clients = Array.from({ length: 16 }, async (_, client) => {
      for (let isLast = false; !isLast; ) {
        const answer = await fetch(`${url}/v1/classify?tta=${client % 3}`, { method: 'POST', body });
        await answer.arrayBuffer();
        statuses.push(answer.status);
        isLast = answer.headers.get('connection') === 'close';
      }
      told++;
    });
    await until('it is busy', () => statuses.length > 100);
    child.kill(signal);
    await until('it is not ready', async () => (await statusOf(`${url}/v2/health/ready`)) === 503);
    await Promise.all(clients); // a broken connection would reject
    expect(told).toBe(16);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    const { exitCode, stdout } = await end;
    expect(exitCode).toBe(0);
    expect(stdout).toContain('"draining"');
  });

  test('an upload that began before it is answered', async () => {
    const { child, url, end } = await start(['--drain-delay-ms', '0']);
    const image = await png(0);
    async function* slowly() {
      yield image.subarray(0, 100);
      child.kill('SIGTERM');
      await new Promise((resolve) => setTimeout(resolve, 500));
      yield image.subarray(100);
    }
    const init = { method: 'POST', body: ReadableStream.from(slowly()), duplex: 'half' } as RequestInit;
    const answer = await fetch(`${url}/v1/classify`, init);
    expect(answer.status).toBe(200);
    expect((await end).exitCode).toBe(0);
  });

  test('by a second signal: at once', async () => {
    const { child, end } = await start(['--drain-delay-ms', '60000']);
    child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const began = performance.now();
    child.kill('SIGTERM');
    expect((await end).exitCode).toBe(143);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('while it loads', async () => {
    const { child, end } = await startLoading();
    child.kill('SIGTERM');
    const { exitCode, stderr } = await end;
    expect(exitCode).toBe(0);
    expect(stderr).not.toMatch(/error/i);
  });
});

describe('SIGHUP', () => {
  test('loads the file again', async () => {
    const path = join(temporaryFolder(), 'served');
    copyFileSync(checkpoint(), path);
    const { child, url, end } = await start(['--no-watch'], path);
    const before = await versionAt(url);
    writeFileSync(path, 'no checkpoint');
    child.kill('SIGHUP');
    const failed = 'cifar10_torch_reloads_total{outcome="failed"} 1';
    await until('it is refused', async () => (await (await fetch(`${url}/metrics`)).text()).includes(failed));
    expect(await versionAt(url)).toBe(before);
    copyFileSync(other(), path);
    child.kill('SIGHUP');
    await until('it is served', async () => (await versionAt(url)) !== before);
    child.kill('SIGTERM');
    const { exitCode, stderr, stdout } = await end;
    expect(exitCode).toBe(0);
    expect(stderr).toContain('checkpoint');
    const warnings = stdout.split('\n').filter((line) => line.includes('"level":40'));
    expect(warnings).toHaveLength(1);
  });

  test('while it loads ends nothing', async () => {
    const { child, end } = await startLoading();
    child.kill('SIGHUP');
    await once(child.stderr as NonNullable<ChildProcess['stderr']>, 'data');
    child.kill('SIGTERM');
    expect((await end).exitCode).toBe(0);
  });
});

describe('a start that fails', () => {
  const TOKEN = 'too-short-secret'.slice(0, 12);
  const fail = async (words: readonly string[], env: Record<string, string> = {}) => {
    const { exitCode, stderr, stdout } = await runCli(['serve', ...words], { env });
    expect(stdout + stderr).not.toContain(TOKEN);
    return { exitCode, stderr };
  };
  const next = /Next step: /;

  test('the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const port = String((taken.address() as AddressInfo).port);
    const { exitCode, stderr } = await fail(['--checkpoint', checkpoint(), '--port', port]);
    expect(stderr).toContain('LISTEN_FAILED');
    expect(stderr).toContain('EADDRINUSE');
    expect(stderr).toMatch(next);
    expect(exitCode).toBe(1);
  });

  test('the checkpoint is missing or damaged', async () => {
    const path = join(temporaryFolder(), 'damaged');
    const missing = await fail(['--checkpoint', path]);
    expect(missing).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/CHECKPOINT_NOT_FOUND.*Next step/),
    });
    writeFileSync(path, 'no checkpoint');
    const damaged = await fail(['--checkpoint', path]);
    expect(damaged).toEqual({ exitCode: 1, stderr: expect.stringMatching(/CHECKPOINT_INVALID.*Next step/) });
  });

  test.each([
    [['--port', '65536'], 'USAGE'],
    [['--max-queue', '0'], 'USAGE'],
    [['--max-wait-ms', '600001'], 'USAGE'],
    [['--log-level', 'loud'], 'USAGE'],
    [['--token-file', '/nowhere/token'], 'USAGE'],
    [['--no-such-option'], 'USAGE'],
    [['--host', ''], 'INVALID_ARGUMENT'],
  ])('%j', async (words, code) => {
    const { exitCode, stderr } = await fail(['--checkpoint', checkpoint(), ...words]);
    expect(stderr).toContain(code);
    expect(exitCode).toBe(2);
  });

  test('the token is too short, wherever it comes from, and is not printed', async () => {
    const file = join(temporaryFolder(), 'token');
    writeFileSync(file, `${TOKEN}\n`);
    for (const [words, env] of [
      [['--token-file', file], {}],
      [[], { CIFAR10_TORCH_TOKEN: TOKEN }],
    ] as const) {
      const { exitCode, stderr } = await fail(['--checkpoint', checkpoint(), ...words], env);
      expect(stderr).toMatch(/INVALID_ARGUMENT.*16 to 1024/);
      expect(exitCode).toBe(2);
    }
  });
});

test('a process that only serves and closes ends by itself', async () => {
  const source = `
    import { serve } from 'cifar10-torch';
    const checkpoint = ${JSON.stringify(checkpoint())};
    const servers = [];
    for (const watch of [true, false]) servers.push(await serve({ checkpoint, port: 0, watch, drainDelayMs: 0 }));
    for (const { url } of servers) await (await fetch(url + '/metrics')).text();
    for (const server of servers) await server.close();
    console.log('closed');
  `;
  const { exitCode, output } = await runProcess(source);
  expect(output).toBe('closed\n');
  expect(exitCode).toBe(0);
});
