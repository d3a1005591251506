import { afterEach, expect, test, vi } from 'vitest';
import { checkDiskSpace } from '../../../lib/doctor/disk-space.js';
import { doctor } from '../../../lib/doctor/index.js';
import { GIB } from '../../../lib/doctor/units.js';
import { temporaryFolder } from '../../support.js';

afterEach(() => vi.unstubAllEnvs());

test.each([
  ['nothing', 1],
  ['cpu', 2],
  ['cuda', 8],
] as const)('where LibTorch for %s is to be installed, %i GiB are enough', (missing, gib) => {
  expect(checkDiskSpace(missing).details).toMatchObject({ enoughBytes: gib * GIB });
});

async function enoughBytes(): Promise<unknown> {
  const { checks } = await doctor();
  return checks.find(({ name }) => name === 'disk space')?.details?.enoughBytes;
}

test('doctor asks for the room of what is missing', async () => {
  expect(await enoughBytes()).toBe(1 * GIB);
  vi.stubEnv('LIBTORCH', temporaryFolder());
  expect(await enoughBytes()).toBe(2 * GIB);
});
