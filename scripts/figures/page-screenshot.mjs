// Takes the picture of the page that `serve` shows: a sample and what the net of a checkpoint says of it.
// Usage, after `npm run build` and where Chromium is installed:
//   node scripts/figures/page-screenshot.mjs <checkpoint> docs/images/page.png
// The environment variable CHROMIUM_PATH names another Chromium than the system's.
import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { serve } from '../../dist/lib/index.js';

const SAMPLE = 'Classify sample 1 labelled deer';
/** With all samples, and nothing below them. */
const WINDOW = { width: 1280, height: 1140 };
const COLOURS = 256;

async function takePicture(url) {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath });
  try {
    const page = await browser.newPage({ viewport: WINDOW, colorScheme: 'light', reducedMotion: 'reduce' });
    await page.goto(url);
    await page.getByRole('button', { name: SAMPLE }).click();
    await page.locator('[data-state=answer]').waitFor();
    await page.mouse.move(0, 0);
    return await page.screenshot({ animations: 'disabled' });
  } finally {
    await browser.close();
  }
}

const [checkpoint, output] = process.argv.slice(2);
if (checkpoint === undefined || output === undefined) {
  console.error('Usage: node scripts/figures/page-screenshot.mjs <checkpoint> <file.png>');
  process.exit(2);
}
const server = await serve({ checkpoint, port: 0, drainDelayMs: 0, watch: false });
try {
  const picture = sharp(await takePicture(server.url));
  const png = await picture.png({ palette: true, colours: COLOURS, effort: 10 }).toBuffer();
  writeFileSync(output, png);
  console.log(`${output}: ${png.length} bytes`);
} finally {
  await server.close();
}
