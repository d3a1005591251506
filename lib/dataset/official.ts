// Owns the first source of the dataset: the official archive, with a resumable download.
// Must not wait for a crawling server while another source is left.
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../download/index.js';
import { errorMessage, systemCode } from '../errors.js';
import { hashFile } from '../hash-file.js';
import { extractWanted } from './extract.js';
import { type ArchiveFacts, filesOf } from './facts.js';
import { archivePath } from './leftovers.js';
import { type DatasetSource, type SourceContext, TooSlowError } from './source.js';

/** The speed below which another source is tried first, judged once per interval. */
export interface Pace {
  minBytesPerSecond: number;
  intervalMs: number;
}

/** The official server often gives 60 kB/s, an hour for the archive; the mirror takes a minute. */
export const PATIENCE: Pace = { minBytesPerSecond: 500_000, intervalMs: 15_000 };

/** One that the user put there: it is used if it is right, and never changed or removed. */
const USERS_NAME = 'cifar-10-binary.tar.gz';
/** What the archive may hold beside the wanted files: a text of the class names and a page. */
const OTHER_BYTES = 1 << 20;

/** The dataset from the archive `facts`; CIFAR10_TORCH_DATASET_URL names another address of the same archive. */
export function officialArchive(facts: ArchiveFacts, pace: Pace = PATIENCE): DatasetSource {
  const url = process.env.CIFAR10_TORCH_DATASET_URL || facts.url;
  return {
    id: 'official',
    label: 'the official archive',
    fetch: async (context) => {
      const archive =
        (await findArchive(facts, context)) ?? (await fetchArchive({ ...facts, url }, pace, context));
      await unpackArchive(archive, facts, context);
    },
  };
}

/** The archive in the dataset's folder, the user's or one that a stopped download left. */
async function findArchive(facts: ArchiveFacts, context: SourceContext): Promise<string | undefined> {
  const { folder, signal, onMessage } = context;
  for (const archive of [join(folder, USERS_NAME), archivePath(folder)]) {
    const found = await stat(archive).catch(errorUnlessMissing);
    if (found === undefined) continue;
    const fault = found instanceof Error ? unreadable(found) : await faultOf(archive, found, facts, signal);
    if (fault === undefined) return archive;
    onMessage(`"${archive}" is passed over: ${fault}`);
  }
  return undefined;
}

/** Why the file is not the archive; the size is known without reading it. */
async function faultOf(
  path: string,
  found: Stats,
  { sizeBytes, sha256 }: ArchiveFacts,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (!found.isFile()) return notOfficial('a file', 'something else');
  if (found.size !== sizeBytes) return notOfficial(`${sizeBytes} bytes`, `${found.size} bytes`);
  try {
    const digest = await hashFile(path, 'sha256', { signal });
    return digest === sha256 ? undefined : notOfficial(`sha256 ${sha256}`, digest);
  } catch (error) {
    if (signal?.aborted) throw error;
    return unreadable(error);
  }
}

function notOfficial(expected: string, found: string): string {
  return `it is not the official archive: expected ${expected}, found ${found}`;
}

function unreadable(error: unknown): string {
  return `it cannot be read: ${systemCode(error) ?? errorMessage(error)}`;
}

function errorUnlessMissing(error: unknown): Error | undefined {
  if (systemCode(error) === 'ENOENT') return undefined;
  return error instanceof Error ? error : new Error(errorMessage(error));
}

async function fetchArchive(
  facts: ArchiveFacts,
  pace: Pace,
  { folder, isLastResort, signal, onProgress }: SourceContext,
): Promise<string> {
  const archive = archivePath(folder);
  const watch = new PaceWatch(pace);
  if (!isLastResort) watch.start();
  try {
    await download(facts.url, archive, {
      expectedBytes: facts.sizeBytes,
      sha256: facts.sha256,
      signal: signal ? AbortSignal.any([signal, watch.signal]) : watch.signal,
      ...(!isLastResort && { retries: 1 }),
      onProgress: ({ doneBytes }) => {
        watch.saw(doneBytes);
        onProgress({ phase: 'download', doneBytes, totalBytes: facts.sizeBytes });
      },
    });
    return archive;
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

async function unpackArchive(archive: string, facts: ArchiveFacts, context: SourceContext): Promise<void> {
  const { table, staging: folder, signal, onProgress } = context;
  const sizes = new Map(filesOf(table).map((file) => [file.name, file.sizeBytes]));
  let doneBytes = 0;
  await extractWanted(createReadStream(archive), {
    folder,
    signal,
    wants: (name, sizeBytes) => sizes.get(name) === sizeBytes,
    maxBytes: sumOf(sizes.values()) + OTHER_BYTES,
    onBytes: (bytes) => {
      doneBytes += bytes;
      onProgress({ phase: 'extract', doneBytes, totalBytes: facts.sizeBytes });
    },
  });
}

function sumOf(values: Iterable<number>): number {
  return [...values].reduce((sum, value) => sum + value, 0);
}
