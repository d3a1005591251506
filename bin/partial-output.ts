// Owns the file that `infer --output` writes while records come: `<output>.partial`, and beside it `<output>.partial.json`, which says
// what it was begun with and how much of it counts. It gets its name when it is whole. Must not know the form of records.
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { refuseFolder, syncFolder, writeFileAtomic } from '../lib/atomic.js';
import { Cifar10Error, writeError } from '../lib/errors.js';
import type { InferRecord } from '../lib/index.js';
import { withLock } from '../lib/lock.js';
import { isAlive, thisProcess } from '../lib/process-identity.js';
import { type Counts, NOTHING, type RecordCounts } from './record-counts.js';
import type { RecordFormat } from './record-file.js';

/** What decides about the records, by the name that a message gives it. */
export type Origin = Readonly<Record<string, string | number | null>>;

/** A crash costs the work of so much time, and what is written in it takes so much memory. */
const SAVE_INTERVAL_MS = 1000;
const MAX_STATE_BYTES = 1 << 20;
/** What a process of another machine has not saved for so long, it has left. */
const LEFT_AFTER_MS = 60_000;

const stateSchema = z.object({
  version: z.literal(1),
  origin: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  process: z.object({ host: z.string(), pid: z.int().positive(), started: z.string().nullable() }),
  /** Of the partial file, that count: what is beyond was being written. */
  bytes: z.int().nonnegative(),
  records: z.int().nonnegative(),
  failed: z.int().nonnegative(),
  confusion: z.array(z.array(z.int().nonnegative())).nullable(),
});

type State = z.infer<typeof stateSchema>;

export class PartialOutput {
  readonly path: string;
  readonly #statePath: string;
  readonly #output: string;
  readonly #format: RecordFormat;
  /** Of an earlier process, to go on from. */
  readonly #before: State | undefined;
  #origin: Origin = {};
  #file: FileHandle | undefined;
  #bytes = 0;
  #counts: RecordCounts | undefined;
  /** Not in the file yet. */
  #pending: InferRecord[] = [];
  #savedMs = 0;

  private constructor(output: string, format: RecordFormat, before: State | undefined) {
    [this.path, this.#statePath] = pathsOf(output);
    this.#output = output;
    this.#format = format;
    this.#before = before;
  }

  /**
   * Writes nothing yet. With `isResumed` it goes on from what is there, if anything is.
   * Errors: `OUTPUT_UNFINISHED`, `OUTPUT_CHANGED`, `NOT_WRITABLE`.
   */
  static async open(output: string, format: RecordFormat, isResumed: boolean): Promise<PartialOutput> {
    const [path, statePath] = pathsOf(output);
    for (const each of [output, path, statePath]) await refuseFolder(each);
    const isThere = (await lstat(path).catch(() => undefined)) !== undefined;
    const before = isThere ? await readState(statePath) : undefined;
    if (isThere) await assertFree(path, before, isResumed);
    return new PartialOutput(output, format, before);
  }

  /** What is there already. */
  get before(): Counts {
    return this.#before ?? NOTHING;
  }

  /**
   * `counts`: of the records that will have been added. Errors: `OUTPUT_CHANGED` where what is there was begun with something else
   * or has been changed since, `OUTPUT_UNFINISHED` where another process has gone on with it, `NOT_WRITABLE`, `DISK_FULL`.
   */
  async begin(origin: Origin, counts: RecordCounts): Promise<void> {
    this.#origin = origin;
    this.#counts = counts;
    if (this.#before) assertSameOrigin(this.path, this.#before.origin, origin);
    await this.#writing(async () => {
      await mkdir(dirname(this.path), { recursive: true });
      const before = this.#before;
      if (before) await withLock(this.#statePath, () => this.#reopen(before));
      else await this.#create();
    });
  }

  /** One that has been counted. Errors: `NOT_WRITABLE`, `DISK_FULL`. */
  async add(record: InferRecord): Promise<void> {
    this.#pending.push(record);
    if (performance.now() - this.#savedMs >= SAVE_INTERVAL_MS) await this.#save();
  }

  /** Gives the file its name. Errors: `NOT_WRITABLE`, `DISK_FULL`. */
  async publish(): Promise<void> {
    await this.#save();
    await this.#writing(async () => {
      await this.#file?.close();
      this.#file = undefined;
      await rename(this.path, this.#output);
      await rm(this.#statePath, { force: true });
      await syncFolder(dirname(this.#output));
    });
  }

  /** After a failure or a stop: what has been counted stays, to go on from. Returns how many records that are. */
  async keep(): Promise<number> {
    if (this.#file === undefined) return 0;
    await this.#save().catch(() => undefined); // the failure that came first counts
    await this.#file.close();
    this.#file = undefined;
    const saved = await readState(this.#statePath).catch(() => undefined);
    if (saved && saved.records > 0) return saved.records;
    for (const path of [this.path, this.#statePath]) await rm(path, { force: true });
    return 0;
  }

  async #create(): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    this.#file = await open(this.path, O_WRONLY | O_CREAT | O_EXCL);
    await this.#append(this.#format.head);
    await this.#saveState();
  }

  /** While no other process does: what it saves tells them that this one is writing. */
  async #reopen(before: State): Promise<void> {
    await assertUnchanged(this.path, before, await readState(this.#statePath));
    const file = await open(this.path, constants.O_WRONLY | constants.O_NOFOLLOW);
    try {
      await cutOff(this.path, file, before.bytes);
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = file;
    this.#bytes = before.bytes;
    await this.#saveState();
  }

  async #save(): Promise<void> {
    await this.#writing(async () => {
      const records = this.#pending;
      await this.#append(this.#format.write(records));
      this.#pending = [];
      await this.#saveState();
    });
  }

  async #append(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#opened.write(bytes, done, bytes.length - done, this.#bytes + done);
      done += bytesWritten;
    }
    await this.#opened.datasync();
    this.#bytes += bytes.length;
  }

  async #saveState(): Promise<void> {
    const state: State = {
      version: 1,
      origin: this.#origin,
      process: thisProcess(),
      bytes: this.#bytes,
      ...(this.#counts?.counts ?? NOTHING),
    };
    await writeFileAtomic(this.#statePath, [JSON.stringify(state)]);
    this.#savedMs = performance.now();
  }

  get #opened(): FileHandle {
    if (this.#file === undefined) throw new Error('the output has not been begun');
    return this.#file;
  }

  async #writing(work: () => Promise<void>): Promise<void> {
    await work().catch((error) => {
      throw writeError(this.#output, error);
    });
  }
}

function pathsOf(output: string): [partial: string, state: string] {
  return [`${output}.partial`, `${output}.partial.json`];
}

/** Undefined where there is none that can be read. */
async function readState(path: string): Promise<State | undefined> {
  const isOurs = await lstat(path).then(
    (found) => found.isFile() && found.size <= MAX_STATE_BYTES,
    () => false,
  );
  if (!isOurs) return undefined;
  try {
    return stateSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** What is there may be gone on with by this process. */
async function assertFree(path: string, before: State | undefined, isResumed: boolean): Promise<void> {
  if (before) await assertLeft(path, before);
  if (!isResumed)
    throw new Cifar10Error('OUTPUT_UNFINISHED', {
      what: `"${path}" is there, of a run that did not end`,
      found: before ? `${before.records} records` : 'no word of what it was begun with',
      nextStep: before
        ? 'go on with it by --resume, or delete it to begin anew'
        : 'delete it to begin anew, or choose another output',
    });
  if (!before)
    throw new Cifar10Error('OUTPUT_CHANGED', {
      what: `"${path}" cannot be gone on with`,
      expected: `"${path}.json", which says what it was begun with`,
      found: 'none that can be read',
      nextStep: 'delete it to begin anew, or choose another output',
    });
}

/** No process is writing it: one of this machine is asked for, one of another is known by what it saves. */
async function assertLeft(path: string, { process }: State): Promise<void> {
  const { host, pid } = process;
  const isRunning = isAlive(process);
  if (isRunning === true)
    throw new Cifar10Error('OUTPUT_UNFINISHED', {
      what: `"${path}" is being written`,
      found: `process ${pid}, which is running`,
      nextStep: 'wait for it, or choose another output',
    });
  if (isRunning === false || (await ageMs(`${path}.json`)) >= LEFT_AFTER_MS) return;
  throw new Cifar10Error('OUTPUT_UNFINISHED', {
    what: `"${path}" may be being written on another machine`,
    expected: `nothing saved by it for ${LEFT_AFTER_MS / 1000} seconds`,
    found: `something saved since by process ${pid} on "${host}"`,
    nextStep: 'stop that process or wait for its end; if it is gone, run this again in a minute',
  });
}

/** Negative where the clock of the file system is ahead; infinite of what is not there any more. */
async function ageMs(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  return Date.now() - (found?.mtimeMs ?? Number.NEGATIVE_INFINITY);
}

/** Records may have been left out by what was read at first. */
async function assertUnchanged(path: string, before: State, now: State | undefined): Promise<void> {
  if (now) await assertLeft(path, now);
  if (isDeepStrictEqual(now, before)) return;
  throw new Cifar10Error('OUTPUT_CHANGED', {
    what: `"${path}" has been gone on with by another process`,
    expected: `${before.records} records, as it began`,
    found: now ? `${now.records} records` : 'none, as after its end',
    nextStep: 'run the command again',
  });
}

/** What was being written; a file that has lost what was there is not made longer. */
async function cutOff(path: string, file: FileHandle, bytes: number): Promise<void> {
  const { size } = await file.stat();
  if (size >= bytes) return file.truncate(bytes);
  throw new Cifar10Error('OUTPUT_CHANGED', {
    what: `"${path}" is shorter than what was written`,
    expected: `at least ${bytes} bytes`,
    found: `${size}`,
    nextStep: 'delete it to begin anew, or choose another output',
  });
}

function assertSameOrigin(path: string, before: Origin, now: Origin): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => before[name] !== now[name]);
  if (changed.length === 0) return;
  const describe = (origin: Origin) =>
    changed.map((name) => `${name} ${origin[name] ?? 'not given'}`).join(', ');
  throw new Cifar10Error('OUTPUT_CHANGED', {
    what: `"${path}" was begun with something else`,
    expected: describe(before),
    found: describe(now),
    nextStep: 'give what it was begun with, or delete it to begin anew',
  });
}
