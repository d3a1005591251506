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

  test('shows control characters and those that turn the direction of text, whatever part they are in', () => {
    const hostile = '\u001b]0;pwned\u0007\u001b[31m\u007f\u009b2J\u202e\u2066\u200f\r\0';
    const details = { what: hostile, expected: hostile, found: hostile, nextStep: hostile };
    const shown = String.raw`\x1b]0;pwned\x07\x1b[31m\x7f\x9b2J\u202e\u2066\u200f\x0d\x00`;
    const error = new Cifar10Error('CHECKPOINT_INVALID', details);
    expect(error.message).toBe(`${shown}: expected ${shown}, found ${shown}. Next step: ${shown}`);
    expect(error).toMatchObject({ expected: shown, found: shown, nextStep: shown });
  });

  test('keeps newlines, letters of every script and whole paths', () => {
    const what = `"/${'sub/'.repeat(1000)}ä漢😀\\" says\n\ta\n\tb`;
    expect(new Cifar10Error('INTERNAL', { what }).message).toBe(what);
  });

  test('is cut where a part is endless, and says so', () => {
    const endless = 'x'.repeat(1_000_000);
    const details = { what: endless, expected: endless, found: endless, nextStep: endless };
    const { message, found } = new Cifar10Error('CHECKPOINT_INVALID', details);
    expect(found).toBe(`${'x'.repeat(1000)}… (cut, 1000000 characters)`);
    expect(message.length).toBeLessThan(13_000);
    const half = new Cifar10Error('INTERNAL', { what: '', found: `${'x'.repeat(999)}😀` });
    expect(half.found).toBe(`${'x'.repeat(999)}… (cut, 1001 characters)`);
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
