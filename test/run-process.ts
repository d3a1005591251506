// Owns running a program in a Node.js process of its own, to see how that process ends.
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** `source`: of a module; `env`: beside that of this process. `output`: what it writes to stdout and stderr. */
export async function runProcess(source: string, flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const execArgv = [...flags, '--input-type=module', '--eval', source];
  const options = { execArgv, env: { ...process.env, ...env } };
  const child = fork('-', [], { ...options, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  const [exitCode, signal] = await once(child, 'close');
  return { exitCode, signal, output };
}
