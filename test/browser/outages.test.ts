// The page of `serve` in a real browser while its server fails: killed, ending, too busy, asking for a token, with another model.
import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trainSample } from '../support.js';
import { launchChromium } from './chromium.js';
import { startServer } from './server-process.js';
import { CONNECTION_LOST, type Visit, visit } from './visit.js';

const TOKEN = 'correct-horse-battery';
const GONE = 'The server does not answer. Trying again until it does.';

let folder: string;
let browser: Browser;
let checkpoint: string;
let otherCheckpoint: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-page-'));
  const launched = launchChromium();
  ({ checkpoint } = await trainSample(join(folder, 'a')));
  ({ checkpoint: otherCheckpoint } = await trainSample(join(folder, 'b'), ['training.seed=1']));
  browser = await launched;
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const isAnswered = async (person: Visit, label: string) =>
  (await person.text('#labelled')).startsWith(`labelled ${label}: `);

async function modelVersion(url: string): Promise<string> {
  return ((await (await fetch(`${url}v1/model`)).json()) as { version: string }).version;
}

describe('where the server', () => {
  test('is killed, the page says so, and goes on by itself with what waits when there is one again', async () => {
    const server = await startServer(['--checkpoint', checkpoint]);
    const person = await visit(browser, server.url, { mayLog: CONNECTION_LOST });
    await person.sample('cat').click();
    await expect.poll(() => isAnswered(person, 'cat')).toBe(true);
    await server.kill();
    await person.sample('dog').click();
    await person.sample('frog').click();
    await expect.poll(() => person.text('#banner')).toBe(GONE);
    expect(await person.text('#notice')).toBe('Waiting for the server. This goes on by itself.');
    expect(await person.text('#verdict')).toBe('Looking…'); // and not what the picture before it was
    expect(await person.texts('.entry-text')).toEqual(['waiting', 'waiting', expect.stringMatching(/%$/)]);
    await server.start();
    await expect.poll(() => isAnswered(person, 'frog')).toBe(true);
    expect(await person.text('#banner')).toBe('');
    expect(await person.isSeen('#notice')).toBe(false);
    expect(await person.texts('.entry-text')).toEqual(Array(3).fill(expect.stringMatching(/%$/)));
  });

  test('ends, it still answers while it drains, and the page waits for the next one', async () => {
    const server = await startServer(['--checkpoint', checkpoint, '--drain-delay-ms', '2000']);
    const person = await visit(browser, server.url, { mayLog: CONNECTION_LOST });
    await expect.poll(() => person.text('#facts')).toContain('version');
    server.signal('SIGTERM');
    await expect.poll(async () => (await fetch(`${server.url}v2/health/ready`)).status).toBe(503);
    await person.sample('horse').click();
    await expect.poll(() => isAnswered(person, 'horse')).toBe(true);
    expect(await person.isSeen('#banner')).toBe(false);
    await server.ended();
    await person.sample('truck').click();
    await expect.poll(() => person.text('#banner')).toBe(GONE);
    await server.start();
    await expect.poll(() => isAnswered(person, 'truck')).toBe(true);
  });

  test('has too much to do, the page waits and tries again', async () => {
    const server = await startServer(['--checkpoint', checkpoint, '--max-queue', '1']);
    const person = await visit(browser, server.url, { mayLog: CONNECTION_LOST });
    await expect.poll(() => person.text('#facts')).toContain('version');
    const free = await fillTheQueue(server.url);
    await person.sample('ship').click();
    await expect.poll(() => person.text('#notice')).toBe('The server is busy. Trying again in a second.');
    free();
    await expect.poll(() => isAnswered(person, 'ship')).toBe(true);
    expect(await person.isSeen('#notice')).toBe(false);
  });

  test('has got another model, the page says which with the next answer', async () => {
    const path = join(folder, 'served.safetensors');
    cpSync(checkpoint, path);
    const server = await startServer(['--checkpoint', path]);
    const person = await visit(browser, server.url);
    const before = await modelVersion(server.url);
    await expect.poll(() => person.text('#facts')).toContain(before);
    cpSync(otherCheckpoint, `${path}.new`);
    renameSync(`${path}.new`, path);
    await expect.poll(() => modelVersion(server.url)).not.toBe(before);
    const [{ answer }] = await Promise.all([person.nextAnswer(), person.sample('bird').click()]);
    expect(answer.model.version).not.toBe(before);
    await expect.poll(() => person.text('#facts')).toContain(answer.model.version);
  });
});

/** Keeps the one place of a queue taken, from when this resolves until what it resolves to is called. */
async function fillTheQueue(url: string): Promise<() => void> {
  const create = { width: 4000, height: 4000, channels: 3, background: 'teal' } as const;
  const slow = new Blob([Uint8Array.from(await sharp({ create }).png({ compressionLevel: 1 }).toBuffer())]);
  const body = new FormData();
  for (let i = 0; i < 32; i++) body.append('image', slow, `${i}.png`);
  const gone = new AbortController();
  fetch(`${url}v1/classify`, { method: 'POST', body, signal: gone.signal }).catch(() => {});
  const metrics = async () => (await fetch(`${url}metrics`)).text();
  await expect.poll(metrics).toMatch(/queue_depth 1$/m);
  return () => gone.abort();
}

describe('a token', () => {
  const UNAUTHORIZED = /status of 401/;
  const NO_STORAGE = `Object.defineProperty(window, 'sessionStorage', {
    get() { throw new DOMException('blocked', 'SecurityError'); } });`;

  test.each([
    ['is asked for, until it is the right one, and kept while the tab is open', undefined],
    ['is enough where the browser keeps nothing', NO_STORAGE],
  ])('%s', async (_, before) => {
    const server = await startServer(['--checkpoint', checkpoint], { CIFAR10_TORCH_TOKEN: TOKEN });
    const person = await visit(browser, server.url, { mayLog: UNAUTHORIZED, ...(before && { before }) });
    await expect.poll(() => person.text('#notice')).toContain('This server asks for a token.');
    const field = person.page.getByLabel('Access token');
    await expect.poll(() => person.evaluate('document.activeElement.id')).toBe('token');
    await field.fill('a-token-of-another');
    await person.page.keyboard.press('Enter');
    await expect.poll(() => person.text('#notice')).toContain('The server does not accept this token.');
    await field.fill(TOKEN);
    await person.button('Use this token').click();
    await expect.poll(() => person.text('#facts')).toContain('version');
    expect(await person.isSeen('#token-form')).toBe(false);
    expect(await person.isSeen('#notice')).toBe(false);
    expect(await person.text('#curl')).toContain("-H 'Authorization: Bearer TOKEN'");
    await person.sample('deer').click();
    await expect.poll(() => isAnswered(person, 'deer')).toBe(true);
    await person.page.reload();
    if (before === undefined) await expect.poll(() => person.text('#facts')).toContain('version');
    else await expect.poll(() => person.text('#notice')).toContain('This server asks for a token.');
  });
});
