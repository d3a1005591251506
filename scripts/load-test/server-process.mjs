// Owns a server in a process of its own, as it is installed: the built command line on a free port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PACKAGE_ROOT } from '../../dist/lib/package-root.js';

const CLI = join(PACKAGE_ROOT, 'dist/bin/cifar10-torch.js');

/** Starts `serve` and resolves when it is ready. `args`: more of its options; `log`: a file descriptor for its log. */
export async function startServer(checkpoint, args = [], log = 'ignore') {
  const options = [
    '--checkpoint',
    checkpoint,
    '--port',
    '0',
    '--log-level',
    log === 'ignore' ? 'silent' : 'info',
    '--drain-delay-ms',
    '0',
  ];
  const child = spawn(process.execPath, [CLI, 'serve', ...options, ...args], {
    stdio: ['ignore', log, 'pipe'],
  });
  const ended = once(child, 'exit');
  const url = await readUrl(child);
  const stop = async () => {
    child.kill('SIGTERM');
    const [code] = await ended;
    if (code !== 0) throw new Error(`the server ended with exit code ${code}`);
  };
  return { url, stop, memoryBytes: () => residentBytes(child.pid) };
}

async function readUrl(child) {
  const lines = [];
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    const url = / at (http:\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stderr.resume();
    return url;
  }
  throw new Error(`the server did not start: ${lines.join('\n')}`);
}

/** Of Linux: what of a process lies in memory. */
function residentBytes(pid) {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return 1024 * Number(kibibytes);
}
