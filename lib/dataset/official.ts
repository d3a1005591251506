// Owns the first source of the dataset: the official archive, with a resumable download.
// Must not wait for a crawling server while another source is left.
import { createReadStream } from 'node:fs';
import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { discardPartialDownload, download } from '../download.js';
import { extractWanted } from './extract.js';
import { type ArchiveFacts, filesOf } from './facts.js';
import { type DatasetSource, type SourceContext, TooSlowError } from './source.js';
import { hashFile } from './verify.js';

/** The speed below which another source is tried first, judged once per interval. */
export interface Pace {
  minBytesPerSecond: number;
  intervalMs: number;
}

/** The official server often gives 60 kB/s, an hour for the archive; the mirror takes a minute. */
export const PATIENCE: Pace = { minBytesPerSecond: 500_000, intervalMs: 15_000 };

const ARCHIVE_NAME = 'cifar-10-binary.tar.gz';

/** The dataset from the archive `facts`; CIFAR10_TORCH_DATASET_URL names another address of the same archive. */
export function officialArchive(facts: ArchiveFacts, pace: Pace = PATIENCE): DatasetSource {
  const url = process.env.CIFAR10_TORCH_DATASET_URL || facts.url;
  return {
    id: 'official',
    label: 'the official archive',
    fetch: async (context) => {
      const archive = join(context.folder, ARCHIVE_NAME);
      if (!(await exists(archive))) await fetchArchive({ ...facts, url }, archive, pace, context);
      await checkArchive(archive, facts, context);
      await unpackArchive(archive, facts, context);
    },
  };
}

/** Removes the archive, whole or partial, that a download left in `folder`. */
export async function discardArchive(folder: string): Promise<void> {
  const archive = join(folder, ARCHIVE_NAME);
  await discardPartialDownload(archive);
  await rm(archive, { force: true });
}

async function fetchArchive(
  facts: ArchiveFacts,
  archive: string,
  pace: Pace,
  { isLastResort, signal, onProgress }: SourceContext,
): Promise<void> {
  const watch = new PaceWatch(pace);
  if (!isLastResort) watch.start();
  try {
    await download(facts.url, archive, {
      expectedBytes: facts.sizeBytes,
      signal: signal ? AbortSignal.any([signal, watch.signal]) : watch.signal,
      ...(!isLastResort && { retries: 1 }),
      onProgress: ({ doneBytes }) => {
        watch.saw(doneBytes);
        onProgress({ phase: 'download', doneBytes, totalBytes: facts.sizeBytes });
      },
    });
  } catch (error) {
    throw watch.signal.aborted ? watch.signal.reason : error;
  } finally {
    watch.stop();
  }
}

/** Aborts its signal when the bytes of an interval come too slowly. */
class PaceWatch {
  readonly #pace: Pace;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #doneBytes: number | undefined;
  #checkedBytes = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(): void {
    this.#timer = setInterval(() => this.#check(), this.#pace.intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes the bytes there are now; the first call says how many an earlier download left. */
  saw(doneBytes: number): void {
    if (this.#doneBytes === undefined) this.#checkedBytes = doneBytes;
    this.#doneBytes = doneBytes;
  }

  #check(): void {
    const { minBytesPerSecond, intervalMs } = this.#pace;
    const doneBytes = this.#doneBytes ?? 0;
    const bytesPerSecond = (1000 * (doneBytes - this.#checkedBytes)) / intervalMs;
    this.#checkedBytes = doneBytes;
    if (bytesPerSecond < minBytesPerSecond)
      this.#controller.abort(new TooSlowError(tooSlow(bytesPerSecond, this.#pace)));
  }
}

function tooSlow(bytesPerSecond: number, { minBytesPerSecond }: Pace): string {
  const inKilobytes = (bytes: number) => `${Math.max(0, Math.round(bytes / 1000))} kB/s`;
  return `too slow, ${inKilobytes(bytesPerSecond)} where at least ${inKilobytes(minBytesPerSecond)} are wanted`;
}

async function checkArchive(archive: string, facts: ArchiveFacts, context: SourceContext): Promise<void> {
  const sha256 = await hashFile(archive, 'sha256', { signal: context.signal });
  if (sha256 === facts.sha256) return;
  await rm(archive);
  throw new Error(`its checksum is wrong: expected sha256 ${facts.sha256}, found ${sha256}`);
}

async function unpackArchive(archive: string, facts: ArchiveFacts, context: SourceContext): Promise<void> {
  const { table, staging: folder, signal, onProgress } = context;
  const sizes = new Map(filesOf(table).map((file) => [file.name, file.sizeBytes]));
  let doneBytes = 0;
  await extractWanted(createReadStream(archive), {
    folder,
    signal,
    wants: (name, sizeBytes) => sizes.get(name) === sizeBytes,
    onBytes: (bytes) => {
      doneBytes += bytes;
      onProgress({ phase: 'extract', doneBytes, totalBytes: facts.sizeBytes });
    },
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
