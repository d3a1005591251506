import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { downloadWheel, findPip } from '../../../lib/libtorch/pip.js';
import { PACKAGE_ROOT } from '../../../lib/package-root.js';
import { isolate, temporaryFolder, writeFiles } from './fakes.js';

/** A pip that tells its process id and then works for a minute. */
const SLOW_PIP = {
  'pip/__init__.py': '',
  'pip/__main__.py': `import os, time\nprint('Downloading', os.getpid(), flush=True)\ntime.sleep(60)\n`,
};

beforeEach(() => {
  isolate();
  vi.stubEnv('PYTHON', 'python3');
  vi.stubEnv('PYTHONPATH', writeFiles(temporaryFolder(), SLOW_PIP));
});

async function untilGone(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1);
  const isAlive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let round = 0; round < 50 && isAlive(); round += 1) await sleep(100);
  expect(isAlive()).toBe(false);
}

test('an abort ends pip, and the search for it', async () => {
  const controller = new AbortController();
  let pid = 0;
  const onMessage = (line: string) => {
    pid = Number(line.split(' ').at(-1));
    controller.abort('enough');
  };
  const pip = await findPip('cpu', { signal: controller.signal, onMessage });
  await expect(downloadWheel(temporaryFolder(), pip)).rejects.toMatchObject({
    code: 'ABORTED',
    cause: 'enough',
  });
  await untilGone(pid);
  await expect(findPip('cpu', { signal: controller.signal, onMessage })).rejects.toMatchObject({
    code: 'ABORTED',
  });
});

test('pip ends with a process that is killed', async () => {
  const module = join(PACKAGE_ROOT, 'dist/lib/libtorch/pip.js');
  const source = `
    const { downloadWheel, findPip } = await import(${JSON.stringify(module)});
    const pip = await findPip('cpu', { signal: new AbortController().signal, onMessage: console.log });
    await downloadWheel(${JSON.stringify(temporaryFolder())}, pip);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source]);
  const [line] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await untilGone(Number(String(line).trim().split(' ').at(-1)));
});
