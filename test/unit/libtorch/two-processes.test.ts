// Two real processes install at once: one unpacks, the other waits and takes over the result.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'vite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isolate, libtorchFiles, temporaryFolder, withPrefix, writeZip } from './fakes.js';

const HOLD_MS = 1500; // long enough for the second process to start and find the lock held

/** The library as one JavaScript file, for processes that do not read TypeScript. */
async function bundle(folder: string): Promise<string> {
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'));
  const ssr = join(import.meta.dirname, '../../../lib/libtorch/index.ts');
  const output = { entryFileNames: 'libtorch.mjs' };
  const options = { ssr, outDir: folder, emptyOutDir: false, rollupOptions: { output } };
  await build({ configFile: false, logLevel: 'silent', build: options });
  const script = `
    import { installLibtorch } from './libtorch.mjs';
    const messages = [];
    const { path } = await installLibtorch({ onMessage: (line) => messages.push(line) });
    console.log(JSON.stringify({ path, messages }));`;
  writeFileSync(join(folder, 'install.mjs'), script);
  return join(folder, 'install.mjs');
}

/** Sends the archive after a pause and counts the requests. */
async function serveSlowly(archive: Buffer) {
  const seen = { url: '', requestCount: 0 };
  const server = createServer((_, response) => {
    seen.requestCount += 1;
    setTimeout(() => response.end(archive), HOLD_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  seen.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return seen;
}

async function run(script: string): Promise<{ path: string; messages: string[] }> {
  const child = spawn(process.execPath, [script], { env: process.env, stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(await text(child.stdout));
}

test('the second process waits for the first and reuses what it installed', async () => {
  const cache = isolate();
  const folder = temporaryFolder();
  const archive = writeZip(join(folder, 'libtorch.zip'), withPrefix('libtorch/', libtorchFiles()));
  const server = await serveSlowly(readFileSync(archive));
  vi.stubEnv('CIFAR10_TORCH_LIBTORCH_URL', server.url);
  const script = await bundle(folder);

  const results = await Promise.all([run(script), run(script)]);

  const path = join(cache, 'libtorch-2.13.0-cpu');
  expect(results.map((result) => result.path)).toEqual([path, path]);
  expect(server.requestCount).toBe(1);
  const messages = results.flatMap((result) => result.messages);
  expect(messages.filter((line) => /waiting for it/.test(line))).toHaveLength(1);
  expect(messages.filter((line) => /^Unpacking/.test(line))).toHaveLength(1);
  expect(readdirSync(cache)).toEqual(['libtorch-2.13.0-cpu']);
});
