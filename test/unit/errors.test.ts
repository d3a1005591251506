// Tests the errors that every part of the package uses.
import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { writeFileAtomic } from '../../lib/atomic.js';
import { AbortError, Cifar10Error, writeError } from '../../lib/errors.js';
import { temporaryFolder } from '../support.js';

describe('a message', () => {
  test('says what happened, expected, found and the next step, in one line', () => {
    const details = { what: 'the cat sat', expected: 'a mat', found: 'a hat', nextStep: 'buy a mat' };
    const error = new Cifar10Error('INVALID_ARGUMENT', details);
    expect(error.message).toBe('the cat sat: expected a mat, found a hat. Next step: buy a mat');
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', nextStep: 'buy a mat' });
  });

  test('of an abort carries the reason of the signal', () => {
    expect(new AbortError('stopped', 'enough')).toMatchObject({
      name: 'AbortError',
      code: 'ABORTED',
      cause: 'enough',
    });
  });
});

describe('a failure to write', () => {
  test.each([
    ['over a folder', (folder: string) => folder],
    ['below a file', (folder: string) => join(folder, 'file', 'x')],
    ['under a name too long', (folder: string) => join(folder, 'n'.repeat(300))],
  ])('%s is NOT_WRITABLE', async (_, target) => {
    const folder = join(temporaryFolder(), 'out');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), '');
    await expect(writeFileAtomic(target(folder), ['x'])).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
  });

  test.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('%s is DISK_FULL', (code) => {
    expect(writeError('x', Object.assign(new Error(), { code }))).toMatchObject({
      code: 'DISK_FULL',
      found: code,
    });
  });
});

describe('what is no failure to write stays what it is', () => {
  test('a host that does not exist', async () => {
    const error = await lookup('host.invalid').catch((reason: unknown) => reason);
    expect(writeError('x', error)).toBe(error);
  });

  test('a program that does not exist', async () => {
    const [error] = await once(spawn('no-such-program'), 'error').catch((reason: unknown) => [reason]);
    expect(error).toMatchObject({ code: 'ENOENT' });
    expect(writeError('x', error)).toBe(error);
  });

  test('our own errors and those without a code', () => {
    for (const error of [new Cifar10Error('LOCKED', { what: 'x' }), new Error('x'), undefined, 'x'])
      expect(writeError('x', error)).toBe(error);
  });
});
