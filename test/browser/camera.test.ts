// The page of `serve` with Chromium's made-up camera, whose picture changes all the time, and where there is none.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trainSample } from '../support.js';
import { launchChromium } from './chromium.js';
import { ServerProcess } from './server-process.js';
import { CONNECTION_LOST, type Visit, visit } from './visit.js';

const ALLOWED = { permissions: ['camera'] };
const RATE = /^\d+ answers? a second$/;
const MADE_UP = '--use-fake-device-for-media-stream';

let folder: string;
let browser: Browser;
let server: ServerProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-page-'));
  const { checkpoint } = await trainSample(folder);
  server = new ServerProcess(['--checkpoint', checkpoint]);
  // A host that is another machine to the browser, and this one in truth.
  const args = [MADE_UP, '--host-resolver-rules=MAP elsewhere.test 127.0.0.1'];
  [browser] = await Promise.all([launchChromium(args), server.start()]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), server?.kill()]);
  rmSync(folder, { recursive: true, force: true });
});

const open = (options?: Parameters<typeof visit>[2]) => visit(browser, server.url, options);
const trackState = (person: Visit) => person.evaluate('track.readyState');

/** Starts the camera, waits for its answers, and keeps its track where `trackState` finds it. */
async function startCamera(person: Visit): Promise<void> {
  await person.button('Use the camera').click();
  await expect.poll(() => person.text('#picture-caption')).toMatch(RATE);
  await person.evaluate(
    `void (window.track = document.querySelector('video').srcObject.getVideoTracks()[0])`,
  );
  expect(await trackState(person)).toBe('live');
}

describe('the camera', () => {
  test('is looked at all the time: pixels and bars change, until it is told to stop', async () => {
    const person = await open(ALLOWED);
    await startCamera(person);
    const [pixels, bars] = [await person.seenPixels(), await person.bars()];
    expect(bars).toHaveLength(10);
    await expect.poll(async () => (await person.seenPixels()).equals(pixels)).toBe(false);
    await expect.poll(() => person.bars()).not.toEqual(bars);
    await person.button('Stop the camera').click();
    await expect.poll(() => trackState(person)).toBe('ended');
    expect(await person.text('#verdict')).toBe('Ten things it knows');
    expect(await person.isSeen('video')).toBe(false);
    expect(await person.text('#notice')).toBe('');
  });

  test('can be stopped by taking its picture, which is then classified', async () => {
    const person = await open(ALLOWED);
    await startCamera(person);
    await person.button('Take this picture').click();
    await expect.poll(() => person.texts('.entry-text')).toEqual([expect.stringMatching(/%$/)]);
    expect(await trackState(person)).toBe('ended');
    expect(await person.text('#picture-caption')).toBe('From the camera');
    expect(await person.evaluate('document.activeElement.id')).toBe('camera');
  });

  test('stops when the page is out of sight', async () => {
    const person = await open(ALLOWED);
    await startCamera(person);
    await person.hide();
    await expect.poll(() => trackState(person)).toBe('ended');
    await expect
      .poll(() => person.text('#notice'))
      .toBe('The camera was turned off. It runs only while this page is in sight.');
  });

  test('runs on while the server is away, and its answers come again with it', async () => {
    const person = await open({ ...ALLOWED, mayLog: CONNECTION_LOST });
    await startCamera(person);
    await server.kill();
    await expect.poll(() => person.text('#banner')).toContain('The server does not answer.');
    expect(await trackState(person)).toBe('live');
    await server.start();
    await expect.poll(() => person.isSeen('#banner')).toBe(false);
    await Promise.all([person.nextAnswer(), person.nextAnswer()]);
    await expect.poll(() => person.isSeen('#notice')).toBe(false);
    expect(await person.text('#picture-caption')).toMatch(RATE);
  });

  test('is looked at in a browser that does not tell of new frames, too', async () => {
    const before = 'delete HTMLVideoElement.prototype.requestVideoFrameCallback';
    const person = await open({ ...ALLOWED, before });
    await startCamera(person);
    const pixels = await person.seenPixels();
    await expect.poll(async () => (await person.seenPixels()).equals(pixels)).toBe(false);
  });
});

describe('without a camera the reason is said, where', () => {
  const notice = async (person: Visit) => {
    await person.button('Use the camera').click();
    await expect.poll(() => person.isSeen('#notice')).toBe(true);
    expect(await person.isSeen('#take')).toBe(false);
    expect(await person.button('Use the camera').isVisible()).toBe(true);
    return person.text('#notice');
  };

  test('it is not allowed', async () => {
    const person = await open({ permissions: ['clipboard-read'] }); // and nothing else
    expect(await notice(person)).toBe(
      'The camera is not allowed. Allow it beside the address of this page, and try again.',
    );
  });

  test('there is none', async () => {
    const bare = await launchChromium([`${MADE_UP}=device-count=0`]);
    try {
      const person = await visit(bare, server.url, ALLOWED);
      expect(await notice(person)).toBe('No camera was found. Plug one in, or choose a picture.');
    } finally {
      await bare.close();
    }
  });

  test('the connection is not a safe one', async () => {
    const person = await visit(browser, server.url.replace('127.0.0.1', 'elsewhere.test'));
    expect(await notice(person)).toBe(
      'The browser gives this page no camera. It does so over HTTPS and on localhost only. Choose a picture instead.',
    );
    expect(await person.isSeen('#copy')).toBe(false); // the clipboard is out of reach, too
  });
});
