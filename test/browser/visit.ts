// Owns a person's visit to the page: what is done with mouse, keyboard and files, and what is seen. Watches all the while that
// nothing goes wrong unseen. Must not know what a test expects.
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Locator, Page, Response } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

/** What the console says where the server ends, or takes nothing now. */
export const CONNECTION_LOST =
  /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)|status of 503/;

/** What the server says of one picture, as far as the page shows it. */
export interface Answer {
  model: { version: string };
  durationMs: number;
  predictions: [
    { label: string; probability: number; topK: { label: string; probability: number }[]; pixels: string },
  ];
}

export interface VisitOptions extends BrowserContextOptions {
  /** Messages of the console that belong to what is tested; any other one fails the test. */
  mayLog?: RegExp;
  /** Source of a script that runs before those of the page. */
  before?: string;
}

export class Visit {
  readonly page: Page;
  /** Errors of scripts, of the console and of the policy, and requests to other hosts. */
  readonly problems: string[] = [];

  constructor(page: Page, mayLog?: RegExp) {
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message) => {
      const isBad = ['error', 'warning'].includes(message.type());
      if (isBad && !mayLog?.test(message.text())) this.problems.push(message.text());
    });
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (
        ['http:', 'https:'].includes(protocol) &&
        host !== new URL(page.url()).host &&
        !request.isNavigationRequest()
      )
        this.problems.push(`a request to ${host}`);
    });
  }

  find(selector: string): Locator {
    return this.page.locator(selector);
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  /** What a person reads there; nothing where it is hidden. */
  async text(selector: string): Promise<string> {
    const element = this.find(selector);
    const text = (await element.isVisible()) ? await element.textContent() : '';
    return inOneLine(text ?? '');
  }

  isSeen(selector: string): Promise<boolean> {
    return this.find(selector).isVisible();
  }

  /** Each row of the bars as `label percent`. */
  bars(): Promise<string[]> {
    return this.texts('#bars li');
  }

  async texts(selector: string): Promise<string[]> {
    return (await this.find(selector).allTextContents()).map(inOneLine);
  }

  /** Of an expression in the page. */
  evaluate<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  sample(label: string, number: 1 | 2 = 1): Locator {
    return this.button(`Classify sample ${number} labelled ${label}`);
  }

  choose(...paths: string[]): Promise<void> {
    return this.find('#file').setInputFiles(paths);
  }

  /** As the system's file manager would drop them. */
  async drop(...files: string[]): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await session.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
    await session.detach();
  }

  /** Copies a PNG as another program would, and pastes it with the keyboard. */
  async paste(path: string): Promise<void> {
    const png = readFileSync(path).toString('base64');
    await this.page.evaluate(`(async () => {
      const bytes = Uint8Array.from(atob('${png}'), (character) => character.charCodeAt(0));
      const blob = new Blob([bytes], { type: 'image/png' });
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    })()`);
    await this.page.keyboard.press('Control+V');
  }

  /** The next answer to a picture that the server gives with status 200, and the bytes it was sent. */
  async nextAnswer(): Promise<{ answer: Answer; sent: Buffer }> {
    const isAnswer = (response: Response) => response.url().includes('/v1/classify') && response.ok();
    const response = await this.page.waitForResponse(isAnswer);
    return { answer: (await response.json()) as Answer, sent: response.request().postDataBuffer() as Buffer };
  }

  /** Tells the page what it is told when its tab is left: Playwright keeps every page in sight. */
  hide(): Promise<void> {
    return this.evaluate(`(() => {
      Object.defineProperty(document, 'hidden', { value: true });
      document.dispatchEvent(new Event('visibilitychange'));
    })()`);
  }

  /** Of the canvas with what the net sees: uint8 [32,32,3], interleaved. */
  async seenPixels(): Promise<Buffer> {
    const rgba = await this.evaluate<number[]>(`(() => {
      const context = new OffscreenCanvas(32, 32).getContext('2d', { willReadFrequently: true });
      context.drawImage(document.querySelector('#seen'), 0, 0);
      return [...context.getImageData(0, 0, 32, 32).data];
    })()`);
    return Buffer.from(rgba.filter((_, i) => i % 4 !== 3));
  }

  /** Of the first such element's text against what is behind it: WCAG 2.2's contrast ratio. */
  async contrast(selector: string): Promise<number> {
    const [ink, paper] = await this.evaluate<[string, string]>(`(() => {
      const element = document.querySelector('${selector}');
      let behind = element;
      while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
      return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
    })()`);
    const [low, high] = [luminance(ink), luminance(paper)].sort((a, b) => a - b) as [number, number];
    return (high + 0.05) / (low + 0.05);
  }

  /** By how many pixels the page is wider than the window. */
  overflow(): Promise<number> {
    return this.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  }
}

/** Opens the page in a window of its own, which closes with the test. */
export async function visit(
  browser: Browser,
  url: string,
  { mayLog, before, ...options }: VisitOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  if (before !== undefined) await context.addInitScript(before);
  const made = new Visit(await context.newPage(), mayLog);
  onTestFinished(async () => {
    await context.close();
    expect(made.problems).toEqual([]);
  });
  await made.page.goto(url);
  return made;
}

function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Of a colour as browsers compute it, `rgb(1, 2, 3)`: 0 is black, 1 white. */
export function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((part) => {
    const share = Number(part) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
