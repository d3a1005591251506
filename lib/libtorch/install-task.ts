// Owns what an installation of LibTorch carries through its steps. Types only.
import type { Driver } from './driver.js';

/**
 * How far an installation of LibTorch has come.
 *
 * @category Diagnostics
 */
export interface InstallProgress {
  /** What is being done. pip tells no progress of its download. */
  stage: 'download' | 'unpack';
  /** Bytes done of this stage. */
  doneBytes: number;
  /** Bytes of this stage in all; undefined where the server does not tell. */
  totalBytes: number | undefined;
}

/** What shall be installed. */
export interface Wanted {
  variant: string;
  /** Whether it was asked for by name: another one that is there, or in an archive that was named, does not do. */
  isNamed: boolean;
  /** Whether pip was told to fetch it, so that another one is the index's doing. */
  isFromPip?: boolean;
  /** The one that `auto` went by. */
  driver: Driver | undefined;
}

/** The options inside the lock: all present, and the signal fires when the lock is lost as well. */
export interface Task {
  wanted: Wanted;
  signal: AbortSignal;
  onProgress: (progress: InstallProgress) => void;
  onMessage: (line: string) => void;
}
