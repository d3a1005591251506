// The page of `serve` in a real browser against a real server: giving it pictures, what it then shows, and how it looks.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLASS_NAMES } from '../../lib/dataset/facts.js';
import { decodeImage } from '../../lib/images/index.js';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { interleave, readSample, SAMPLE_TEST, trainSample } from '../support.js';
import { launchChromium } from './chromium.js';
import { ServerProcess } from './server-process.js';
import { type Answer, luminance, visit } from './visit.js';

const PAGE = join(PACKAGE_ROOT, 'lib/serve/page');
const CLIPBOARD = { permissions: ['clipboard-read', 'clipboard-write'] };
const BAD_REQUEST = /status of 400/;
const DATASET_IMAGE = { width: 32, height: 32 } as const;

let folder: string;
let browser: Browser;
let server: ServerProcess;

const file = (name: string) => join(folder, name);
const open = (options?: Parameters<typeof visit>[2]) => visit(browser, server.url, options);

async function makePictures(): Promise<void> {
  const gradient = Buffer.from(
    `<svg width="300" height="200"><linearGradient id="g"><stop stop-color="#fb3"/><stop offset="1" stop-color="#28c"/></linearGradient>
    <path fill="url(#g)" d="M0 0h300v200H0z"/><path d="M60 140h180l-30 40H90z"/></svg>`,
  );
  await sharp(gradient).png().toFile(file('boat.png'));
  await sharp(gradient).flop().jpeg().toFile(file('boat.jpg'));
  await sharp(gradient).negate({ alpha: false }).webp().toFile(file('boat.webp'));
  writeFileSync(file('broken.jpg'), 'no picture');
  writeFileSync(file('huge.png'), Buffer.alloc(8 * 2 ** 20 + 1));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-page-'));
  const [{ checkpoint }] = await Promise.all([trainSample(folder), makePictures()]);
  server = new ServerProcess(['--checkpoint', checkpoint]);
  [browser] = await Promise.all([launchChromium(), server.start()]);
});
afterAll(async () => {
  await Promise.all([browser?.close(), server?.kill()]);
  rmSync(folder, { recursive: true, force: true });
});

const percent = (probability: number) => {
  if (probability > 0.999) return '>99.9%';
  return probability < 0.001 ? '<0.1%' : `${(probability * 100).toFixed(1)}%`;
};
const rowsOf = ({ predictions: [{ topK }] }: Answer) =>
  topK.map(({ label, probability }) => `${label} ${percent(probability)}`);

describe('a picture', () => {
  test('that is dropped is shown with its class, ten bars, the time, and the pixels that the net was given', async () => {
    const person = await open();
    const [{ answer }] = await Promise.all([person.nextAnswer(), person.drop(file('boat.png'))]);
    const [{ label, probability, pixels }] = answer.predictions;
    await expect.poll(() => person.text('#verdict')).toBe(`${label} ${percent(probability)}`);
    expect(await person.bars()).toEqual(rowsOf(answer));
    expect(rowsOf(answer)).toHaveLength(10);
    expect(await person.text('#timing')).toMatch(/^\d[\d.]* ms in the server, \d[\d.]* ms there and back$/);
    const decoded = Buffer.from(await decodeImage(readFileSync(file('boat.png'))));
    expect(pixels).toBe(decoded.toString('base64'));
    expect((await person.seenPixels()).equals(decoded)).toBe(true);
    expect(await person.evaluate(`document.querySelector('#picture').naturalWidth`)).toBe(300);
    expect(await person.isSeen('#drop')).toBe(false);
  });

  test('that is pasted is classified', async () => {
    const person = await open(CLIPBOARD);
    const [{ answer }] = await Promise.all([person.nextAnswer(), person.paste(file('boat.png'))]);
    await expect.poll(() => person.bars()).toEqual(rowsOf(answer));
    expect(answer.predictions[0].pixels).toBe(
      Buffer.from(await decodeImage(readFileSync(file('boat.png')))).toString('base64'),
    );
  });

  test('of several that are chosen all get their answers, and each can be opened again', async () => {
    const person = await open({ mayLog: BAD_REQUEST });
    const broken = ['boat.png', 'broken.jpg', 'boat.webp', 'boat.jpg'];
    await person.choose(...broken.map(file));
    const entries = person.find('.entry');
    await expect
      .poll(() => person.texts('.entry-text'))
      .toEqual([
        expect.stringMatching(/%$/),
        expect.stringMatching(/%$/),
        'no answer',
        expect.stringMatching(/%$/),
      ]);
    await entries.last().click();
    await expect.poll(() => person.text('#picture-caption')).toBe('boat.png');
    expect(await entries.last().getAttribute('aria-current')).toBe('true');
    expect(await person.isSeen('#notice')).toBe(false);
  });

  test('that is broken gets the reason in words, and the next one an answer', async () => {
    const person = await open({ mayLog: BAD_REQUEST });
    await person.choose(file('broken.jpg'));
    await expect
      .poll(() => person.text('#notice'))
      .toBe(
        'This picture cannot be read. Expected JPEG, PNG or WebP data, found data of another kind. Give a JPEG, PNG or WebP image, or leave it out.',
      );
    expect(await person.text('#verdict')).toBe('No answer');
    expect(await person.isSeen('#retry')).toBe(false); // it would not help
    await person.choose(file('boat.png'));
    await expect.poll(() => person.isSeen('#notice')).toBe(false);
    await expect.poll(async () => (await person.bars()).length).toBe(10);
  });

  test('that is larger than the server takes is not sent', async () => {
    const person = await open();
    await expect.poll(() => person.text('#facts')).toContain('version');
    let requests = 0;
    person.page.on('request', (request) => (requests += Number(request.method() === 'POST')));
    await person.choose(file('huge.png'));
    await expect
      .poll(() => person.text('#notice'))
      .toBe('Not sent. The file is larger than the 8 MiB that the server takes. Save it smaller.');
    expect(requests).toBe(0);
  });

  test('is missed where something else is pasted', async () => {
    const person = await open(CLIPBOARD);
    await person.evaluate(`navigator.clipboard.writeText('only words')`);
    await person.page.keyboard.press('Control+V');
    await expect.poll(() => person.text('#notice')).toContain('There is no picture in the clipboard.');
  });
});

describe('a sample', () => {
  const sheet = () => sharp(join(PAGE, 'samples.webp'));
  const cut = (column: number, row: number) =>
    sheet()
      .extract({ ...DATASET_IMAGE, left: 32 * column, top: 32 * row })
      .removeAlpha()
      .raw()
      .toBuffer();

  test('that is clicked is sent with exactly its pixels, and what the dataset calls it is said', async () => {
    const person = await open();
    const [{ answer, sent }] = await Promise.all([person.nextAnswer(), person.sample('deer', 2).click()]);
    const pixels = await cut(CLASS_NAMES.indexOf('deer'), 1);
    expect((await sharp(sent).removeAlpha().raw().toBuffer()).equals(pixels)).toBe(true);
    expect(answer.predictions[0].pixels).toBe(pixels.toString('base64'));
    const isRight = answer.predictions[0].label === 'deer';
    await expect
      .poll(() => person.text('#labelled'))
      .toBe(`labelled deer: ${isRight ? 'right' : 'the net is wrong'}`);
  });

  test('is picked with the keyboard alone', async () => {
    const person = await open();
    const name = 'Classify sample 1 labelled airplane';
    await person.button(name).waitFor();
    for (let i = 0; i < 12; i++) {
      if ((await person.evaluate('document.activeElement.ariaLabel')) === name) break;
      await person.page.keyboard.press('Tab');
    }
    const [{ answer }] = await Promise.all([person.nextAnswer(), person.page.keyboard.press('Enter')]);
    expect(answer.predictions[0].pixels).toBe((await cut(0, 0)).toString('base64'));
    await expect.poll(() => person.bars()).toEqual(rowsOf(answer));
    expect(await person.evaluate(`document.querySelector(':focus-visible').ariaLabel`)).toBe(name);
  });

  test('is a test image of its class', async () => {
    const records = readSample(SAMPLE_TEST).map(({ label, pixels }) => ({
      label,
      pixels: interleave(pixels),
    }));
    for (const label of CLASS_NAMES.keys())
      for (const row of [0, 1]) {
        const pixels = await cut(label, row);
        const same = records.filter((record) => pixels.equals(record.pixels));
        expect(same.map((record) => record.label)).toEqual([label]);
      }
  });
});

describe('whoever does not see the page', () => {
  test('is told of the answer, and finds it by roles and names', async () => {
    const person = await open();
    const [{ answer }] = await Promise.all([person.nextAnswer(), person.sample('ship').click()]);
    const [{ label, probability }] = answer.predictions;
    await expect
      .poll(() => person.text('#announcement'))
      .toMatch(new RegExp(`^${label}, ${Math.round(probability * 100)} percent, labelled ship: `));
    expect(await person.find('#announcement').getAttribute('role')).toBe('status');
    const answered = person.page.getByRole('region', { name: 'Picture and answer' });
    expect(await answered.ariaSnapshot()).toBe(
      [
        '- region "Picture and answer":',
        '  - figure "A sample labelled ship":',
        '    - img "A sample labelled ship"',
        '    - text: A sample labelled ship',
        '  - figure "What the net sees":',
        '    - img "The 32 by 32 pixels that the net was given"',
        '    - text: What the net sees',
        '  - button "Choose pictures"',
        '  - text: Choose pictures',
        '  - button "Use the camera"',
        `  - heading "${await person.text('#verdict')}" [level=2]`,
        `  - paragraph: "${await person.text('#labelled')}"`,
        '  - status',
        '  - list "Probabilities, the highest first":',
        ...rowsOf(answer).map((row) => `    - listitem: ${row.replace(/.*[<>].*/, '"$&"')}`),
        `  - paragraph: ${await person.text('#timing')}`,
        `  - status: "${await person.text('#announcement')}"`,
      ].join('\n'),
    );
  });
});

describe('the page', () => {
  test('tells which model answers', async () => {
    const person = await open();
    const model = (await (await fetch(`${server.url}v1/model`)).json()) as { version: string; net: string };
    await expect.poll(() => person.text('#facts')).toContain(`version: ${model.version}`);
    expect(await person.text('#facts')).toContain(`net: ${model.net}`);
    expect(await person.text('#curl')).toBe(`curl --data-binary @photo.jpg ${server.url}v1/classify`);
  });

  test('lets nothing in from elsewhere, and what is refused is noticed by these tests', async () => {
    const person = await open();
    await person.evaluate(`(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken over"';
      const image = new Image();
      image.src = 'http://other.test/image.png';
      document.body.append(script, image);
    })()`);
    await expect
      .poll(() => person.problems)
      .toEqual([
        expect.stringContaining("directive 'script-src 'self''"),
        expect.stringContaining('directive: "img-src \'self\' blob: data:"'),
        'a request to other.test',
      ]);
    expect(await person.page.title()).toBe('cifar10-torch');
    person.problems.length = 0;
  });

  test('is less than 100,000 bytes', () => {
    const files = readdirSync(PAGE).filter((name) => name !== 'tsconfig.json');
    const sizes = files.map((name) => statSync(join(PAGE, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100_000);
  });

  test('fits a window of 320 pixels, empty, answered and refused', async () => {
    const person = await open({ viewport: { width: 320, height: 640 }, mayLog: BAD_REQUEST });
    await expect.poll(() => person.text('#facts')).toContain('version');
    expect(await person.overflow()).toBe(0);
    await person.sample('automobile').click();
    await expect.poll(() => person.text('#labelled')).toContain('automobile');
    expect(await person.overflow()).toBe(0);
    await person.choose(file('broken.jpg'));
    await expect.poll(() => person.isSeen('#notice')).toBe(true);
    expect(await person.overflow()).toBe(0);
  });

  test.each(['light', 'dark'] as const)('is legible in the %s scheme', async (colorScheme) => {
    const person = await open({ colorScheme });
    await person.sample('frog').click();
    await expect.poll(() => person.text('#labelled')).toContain('frog');
    const texts = [
      'h1',
      '.hero p',
      '#facts li',
      '#winner',
      '#winner-percent',
      '#labelled',
      '.bar',
      '#timing',
      '.button',
    ];
    const paper = await person.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(luminance(paper) > 0.5).toBe(colorScheme === 'light');
    for (const selector of [...texts, '.sample-label', 'figcaption', '#curl'])
      expect([selector, await person.contrast(selector)]).toEqual([
        selector,
        expect.toSatisfy((ratio) => ratio >= 4.5),
      ]);
  });
});
