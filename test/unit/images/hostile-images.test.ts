// Image files that nobody should have to decode: each is reported, none costs more memory than it may, and the next good
// one is decoded as if nothing had been.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../../lib/images/index.js';
import { PACKAGE_ROOT } from '../../../lib/package-root.js';
import { type HostileImage, makeHostileImages } from '../../hostile-images.js';
import { runProcess } from '../../run-process.js';

let folder: string;
let images: HostileImage[];
let good: Uint8Array;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cifar10-hostile-images-'));
  images = await makeHostileImages(folder);
  good = await decodeImage(join(folder, 'good.png'));
  return () => rmSync(folder, { recursive: true });
}, 120_000);

test('each is refused by name or decoded, and the good one after it is as ever', async () => {
  for (const { name, found } of images) {
    const decoded = decodeImage(join(folder, name));
    if (found === undefined) expect((await decoded).length, name).toBe(3072);
    else
      await expect(decoded, name).rejects.toMatchObject({
        code: expect.stringMatching(/^IMAGE_(INVALID|NOT_FOUND)$/),
        message: expect.stringContaining(name),
        found: expect.stringMatching(found),
      });
    if (name.endsWith('.next.png')) expect(Buffer.from(good).equals(await decoded), name).toBe(true);
  }
});

/** What a process that has decoded small images grows by, in MiB, while it decodes these too. */
async function growthMib(decoded: readonly HostileImage[], loop: string): Promise<number> {
  const paths = decoded.map(({ name }) => join(folder, name));
  const module = pathToFileURL(join(PACKAGE_ROOT, 'dist/lib/images/index.js')).href;
  const { exitCode, output } = await runProcess(`
    import { readFileSync } from 'node:fs';
    import { decodeImage } from ${JSON.stringify(module)};
    const peak = () => Number(/VmHWM:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
    const decode = (path) => decodeImage(path).catch(() => {});
    const paths = ${JSON.stringify(paths)};
    for (let i = 0; i < 100; i++) await decode(${JSON.stringify(join(folder, 'good.png'))});
    const before = peak();
    ${loop}
    console.log(peak() - before);`);
  expect(exitCode, output).toBe(0);
  return Number(output);
}

const IN_TURN = 'for (const path of paths) await decode(path);';
const AT_ONCE = 'await Promise.all(paths.map(decode));';

describe('memory', () => {
  test.each([IN_TURN, AT_ONCE])(
    'grows by less than 64 MiB with all that is refused or odd: %s',
    async (loop) => {
      const odd = images.filter(({ isLarge }) => !isLarge);
      expect(await growthMib(odd, loop)).toBeLessThan(64);
    },
  );

  test('grows by less than 64 MiB with each of the largest that are accepted', async () => {
    for (const image of images.filter(({ isLarge }) => isLarge))
      expect(await growthMib([image], IN_TURN), image.name).toBeLessThan(64);
  });

  // What is freed in a thread of the pool stays with the allocator for that thread, and libvips keeps 50 MB.
  test.each([IN_TURN, AT_ONCE])(
    'comes to rest below 320 MiB with everything, again and again: %s',
    async (loop) => {
      const rounds = Array(5).fill(images).flat();
      expect(await growthMib(rounds, loop)).toBeLessThan(320);
    },
  );
});
