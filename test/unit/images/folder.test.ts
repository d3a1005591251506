// Finding the image files of a folder, of any depth and with any names.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage, type FoundImage, listImages } from '../../../lib/images/index.js';

const PIXELS = Uint8Array.from({ length: 3072 }, (_, index) => (index * 37) % 256);
const SIZE = { width: 32, height: 32, channels: 3 } as const;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cifar10-images-'));
});
// Not rm of Node.js, which cannot remove what lies deeper than a path can be long.
afterAll(() => promisify(execFile)('rm', ['-rf', folder]));

const namesIn = async (root: string) => (await listImages(root)).map(({ name }) => name);

describe('listImages', () => {
  test('finds images of any case below a folder, sorted, without hidden ones and without following loops', async () => {
    const root = join(folder, 'tree');
    await mkdir(join(root, 'b', 'c'), { recursive: true });
    await mkdir(join(root, '.hidden'));
    const names = ['z.PNG', 'a.jpeg', 'b/m.Jpg', 'b/c/k.webp'];
    for (const name of [...names, '.dot.png', '.hidden/h.png', 'b/notes.txt'])
      await writeFile(join(root, name), '');
    await symlink(root, join(root, 'b', 'loop'));
    await symlink(join(root, 'gone'), join(root, 'broken.png'));
    const found = ['a.jpeg', 'b/c/k.webp', 'b/m.Jpg', 'broken.png', 'z.PNG'];
    expect(await namesIn(root)).toEqual(found.map((name) => join(root, name)));
    expect(await namesIn(`${root}/`)).toEqual(found.map((name) => join(root, name)));
  });

  test('finds and opens files and folders whose names are not UTF-8', async () => {
    const root = join(folder, 'bytes');
    await mkdir(root);
    const latin1 = (name: string) => Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')]);
    const png = await sharp(PIXELS, { raw: SIZE }).png().toBuffer();
    await mkdir(latin1('caf\xe9'));
    for (const name of ['k\xfche.png', 'k\xf6he.png', 'caf\xe9/tasse.png', 'caf\xe9/gr\xfcn.png'])
      await writeFile(latin1(name), png);
    const found = await listImages(root);
    expect(found.map(({ name }) => name)).toEqual(
      ['caf\ufffd/gr\ufffdn.png', 'caf\ufffd/tasse.png', 'k\ufffdhe.png', 'k\ufffdhe.png'].map((name) =>
        join(root, name),
      ),
    );
    for (const image of found) expect(await decodeImage(image as FoundImage)).toEqual(PIXELS);
  });

  test('lists a folder below that cannot be read, and goes on', async () => {
    const root = join(folder, 'deep');
    await mkdir(root);
    await writeFile(join(root, 'z.png'), '');
    // Deeper than the system takes in one path.
    const script = 'for i in $(seq 20); do mkdir $1 && cd $1; done; echo > last.png';
    await promisify(execFile)('bash', ['-c', script, '-', 'd'.repeat(250)], { cwd: root });
    const found = await listImages(root);
    expect(found).toMatchObject([
      { name: expect.stringMatching(/d\/d+$/), error: { code: 'IMAGE_NOT_FOUND', found: 'ENAMETOOLONG' } },
      { name: join(root, 'z.png') },
    ]);
  });

  test('lists a link that cannot be followed, and leaves out one that leads nowhere', async () => {
    const root = join(folder, 'links');
    await mkdir(root);
    await symlink('photos', join(root, 'photos'));
    await symlink('gone', join(root, 'notes'));
    await writeFile(join(root, 'z.png'), '');
    expect(await listImages(root)).toMatchObject([
      { name: join(root, 'photos'), error: { code: 'IMAGE_NOT_FOUND', found: 'ELOOP' } },
      { name: join(root, 'z.png') },
    ]);
  });

  test.each([undefined, null, 5, new URL('file:///tmp')])('refuses %s as a folder', async (other) => {
    await expect(listImages(other as unknown as string)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('names a missing folder, a file given as a folder and a folder without images', async () => {
    const file = join(folder, 'file.png');
    await writeFile(file, '');
    for (const path of [join(folder, 'none'), file])
      await expect(listImages(path)).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
        message: expect.stringContaining(path),
      });
    const empty = join(folder, 'empty');
    await mkdir(empty);
    await expect(listImages(empty)).rejects.toMatchObject({ code: 'NO_IMAGES_FOUND' });
  });
});
