// Owns which Python is asked, and where the PyTorch lies that it has. Must not import torch in Python, which takes seconds,
// nor fetch anything: pip.ts does.
import { spawnSync } from 'node:child_process';

const PROBE_TIMEOUT_MS = 20_000;

/**
 * The start of a Python program: the empty entry is the current folder, and a folder named torch or a file named signal.py
 * there is not what is to be imported.
 */
export const WITHOUT_CURRENT_FOLDER = `
import sys
sys.path[:] = [p for p in sys.path if p]
`;

const PROBE = `${WITHOUT_CURRENT_FOLDER}
import importlib.util, os
spec = importlib.util.find_spec('torch')
print(os.path.dirname(spec.origin) if spec and spec.origin else '')`;

/**
 * Folder of the PyTorch that this user's Python would import; `undefined` without Python or PyTorch. Synchronous, because
 * loading the addon is.
 */
export function findPythonTorch(): string | undefined {
  for (const python of pythonCandidates()) {
    const { status, stdout } = spawnSync(python, ['-c', PROBE], {
      encoding: 'utf8',
      timeout: PROBE_TIMEOUT_MS,
    });
    if (status === 0) return stdout.trim() || undefined;
  }
  return undefined;
}

/** `PYTHON` names the one to use; otherwise the usual names are tried. */
export function pythonCandidates(): string[] {
  return process.env.PYTHON ? [process.env.PYTHON] : ['python3', 'python'];
}
