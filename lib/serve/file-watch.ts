// Owns noticing that another file is in the checkpoint's place. It is looked at again and again, and not watched by the system:
// that also works on network file systems, behind links, and for a file that is replaced by renaming.
import { type StatsListener, unwatchFile, watchFile } from 'node:fs';

const INTERVAL_MS = 1000;

/** Calls `onChange` when the file's identity, size or time of change differs. Returns what ends that. */
export function watchForChange(path: string, onChange: () => void): () => void {
  const listener: StatsListener = (now, before) => {
    const isSame = now.ino === before.ino && now.size === before.size && now.mtimeMs === before.mtimeMs;
    if (now.nlink > 0 && !isSame) onChange();
  };
  watchFile(path, { interval: INTERVAL_MS, persistent: false }, listener);
  return () => unwatchFile(path, listener);
}
