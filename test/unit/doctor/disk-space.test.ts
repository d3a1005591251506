import { expect, test } from 'vitest';
import { checkDiskSpace } from '../../../lib/doctor/disk-space.js';
import { GIB } from '../../../lib/doctor/units.js';

test('a LibTorch for CUDA takes more room than one for the processor', () => {
  expect(checkDiskSpace(false).details).toMatchObject({ enoughBytes: 2 * GIB });
  expect(checkDiskSpace(true).details).toMatchObject({ enoughBytes: 8 * GIB });
});
