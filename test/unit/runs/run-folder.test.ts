// The folder of a run: names that no other run has, and nothing left of one that came to nothing.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RunFolder } from '../../../lib/runs/index.js';
import { temporaryFolder } from '../../support.js';

const NOW = new Date(2026, 0, 31, 9, 5, 7);

test('is named by date and time; runs of the same second do not collide', async () => {
  const root = temporaryFolder();
  const folders = await Promise.all([1, 2, 3].map(() => RunFolder.createDated(root, NOW)));
  expect(new Set(folders.map(({ path }) => path)).size).toBe(3);
  expect(readdirSync(join(root, '2026-01-31')).sort()).toEqual(['09-05-07', '09-05-07-2', '09-05-07-3']);
});

test('that is discarded takes with it the folders made for it, and no others', async () => {
  const root = temporaryFolder();
  const outputDir = join(root, 'a', 'b');
  const [first, second] = [
    await RunFolder.createDated(outputDir, NOW),
    await RunFolder.createDated(outputDir, NOW),
  ];
  await first.write('x', 'y');
  await first.discard();
  expect(readdirSync(join(outputDir, '2026-01-31'))).toEqual(['09-05-07-2']);
  await second.discard();
  expect(readdirSync(root)).toEqual(['a']); // made for the first run, which was not the last to go
  mkdirSync(join(root, 'mine'));
  await (await RunFolder.createDated(join(root, 'mine'), NOW)).discard();
  expect(existsSync(join(root, 'mine'))).toBe(true);
});

test('appends in the order of the calls', async () => {
  const folder = await RunFolder.createDated(temporaryFolder(), NOW);
  for (let i = 0; i < 100; i++) folder.append('log', `${i}\n`);
  const lines = readFileSync(folder.pathOf('log'), 'utf8').trimEnd().split('\n');
  expect(lines).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  expect(await folder.readLines('log')).toEqual(lines);
  expect(await folder.readLines('none')).toEqual([]);
});

test('that cannot be made or written says so', async () => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'file'), '');
  await expect(RunFolder.createDated(join(root, 'file'), NOW)).rejects.toMatchObject({
    code: 'NOT_WRITABLE',
  });
  const folder = RunFolder.reopen(join(root, 'none'));
  expect(() => folder.append('log', 'x')).toThrow(expect.objectContaining({ code: 'NOT_WRITABLE' }));
});
