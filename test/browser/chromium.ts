// Owns starting a real browser. Must not know the page.
import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const DEBIAN_PATH = '/usr/bin/chromium';

/** Starts Chromium with these switches; the system's, or the one that the environment variable CHROMIUM_PATH names. */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? DEBIAN_PATH;
  try {
    accessSync(executablePath, constants.X_OK);
  } catch (cause) {
    const mend = 'run `apt-get install chromium`, or let CHROMIUM_PATH name one';
    throw new Error(`the tests of the page need Chromium, and ${executablePath} is none: ${mend}`, { cause });
  }
  return chromium.launch({ executablePath, args: [...args] });
}
