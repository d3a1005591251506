// Image files that nobody should have to decode: each is reported, none costs more memory than it may, and the next good
// one is decoded as if nothing had been.
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../../lib/images/index.js';
import { type EncodedImage, openInput } from '../../../lib/images/input.js';
import { MAX_DECODER_BYTES, withDecoderBytes } from '../../../lib/images/memory.js';
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

  // What is freed in a thread of Node.js's pool stays with the allocator for that thread.
  test('grows by less than 96 MiB with five of each of the largest, one after the other', async () => {
    for (const image of images.filter(({ isLarge }) => isLarge))
      expect(await growthMib(Array(5).fill(image), IN_TURN), image.name).toBeLessThan(96);
  });

  test('grows by less than 128 MiB with five of each of the largest at once', async () => {
    for (const image of images.filter(({ isLarge }) => isLarge))
      expect(await growthMib(Array(5).fill(image), AT_ONCE), image.name).toBeLessThan(128);
  });
});

test('no more is decoded at once than there is memory for', async () => {
  let now = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++now);
    await new Promise((done) => setTimeout(done, 5));
    now--;
  };
  await Promise.all(Array.from({ length: 20 }, () => withDecoderBytes(MAX_DECODER_BYTES / 3, work)));
  expect(most).toBe(3);
});

test.each([
  [
    'has grown since it was looked at',
    (path: string) => appendFileSync(path, Buffer.alloc(64 << 20)),
    'one that grows',
  ],
  [
    'has become a pipe since',
    (path: string) => {
      rmSync(path);
      execFileSync('mkfifo', [path]);
    },
    'a device or pipe',
  ],
])('a file that %s is refused', async (_, change, found) => {
  const path = join(folder, 'changing.png');
  copyFileSync(join(folder, 'good.png'), path);
  const opened = await openInput(path);
  change(path);
  await expect((opened as EncodedImage).read()).rejects.toMatchObject({ code: 'IMAGE_INVALID', found });
  rmSync(path);
});
