import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { unlessLocked, withLock } from '../../lib/lock.js';

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-lock-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  path = join(folder, 'missing', 'guarded');
});

test('holders come one after another, and one that waits is told once', async () => {
  const events: string[] = [];
  let waitCount = 0;
  const work = (name: string) => async () => {
    events.push(`${name} begins`);
    await sleep(600);
    events.push(`${name} ends`);
    return name;
  };
  const first = withLock(path, work('first'));
  await sleep(50);
  const second = withLock(path, work('second'), { onWait: () => (waitCount += 1) });
  expect(await Promise.all([first, second])).toEqual(['first', 'second']);
  expect(events).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  expect(waitCount).toBe(1);
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test('the lock is released when the work fails, with its error', async () => {
  const failure = new Error('mine');
  await expect(withLock(path, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await withLock(path, async () => 'free')).toBe('free');
});

test('the lock of a crashed holder is taken over', async () => {
  mkdirSync(`${path}.lock`, { recursive: true });
  utimesSync(`${path}.lock`, 1000, 1000);
  expect(await withLock(path, async () => 'taken')).toBe('taken');
});

test('an abort ends the wait', async () => {
  mkdirSync(`${path}.lock`, { recursive: true });
  const controller = new AbortController();
  const waiting = withLock(path, async () => 'never', {
    signal: controller.signal,
    onWait: () => controller.abort('enough'),
  });
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', code: 'ABORTED', cause: 'enough' });
});

test('work that is not worth the wait is done where the lock is free, and left where it is held', async () => {
  let doneCount = 0;
  const work = async () => {
    doneCount += 1;
  };
  await withLock(path, () => unlessLocked(path, work));
  expect(doneCount).toBe(0);
  await unlessLocked(path, work);
  expect(doneCount).toBe(1);
  const failure = new Error('mine');
  await expect(unlessLocked(path, () => Promise.reject(failure))).rejects.toBe(failure);
});

test('an abort reaches the work', async () => {
  const controller = new AbortController();
  const work = async (signal: AbortSignal) => {
    controller.abort();
    return signal.aborted;
  };
  expect(await withLock(path, work, { signal: controller.signal })).toBe(true);
});

test('work that loses its lock is told and fails with LOCKED', async () => {
  const work = async (signal: AbortSignal) => {
    rmSync(`${path}.lock`, { recursive: true });
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    signal.throwIfAborted();
  };
  await expect(withLock(path, work)).rejects.toMatchObject({
    code: 'LOCKED',
    nextStep: 'run the command again',
  });
}, 20_000);

test('a place that cannot be written', async () => {
  writeFileSync(join(path, '../..', 'missing'), '');
  await expect(withLock(path, async () => 'never')).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
});
