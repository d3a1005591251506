// Owns what a server may be told: types, ranges and defaults.
import { z } from 'zod';
import type { ClassifierOptions } from '../classifier/index.js';
import { Cifar10Error } from '../errors.js';
import { MAX_ENCODED_BYTES } from '../images/index.js';

/**
 * What takes log lines: a stream of Node.js, for one.
 *
 * @category Serving
 */
export interface LogStream {
  /** `line`: a JSON object with its line break. */
  write(line: string): void;
}

/**
 * Which checkpoint a server classifies with, where it listens, and what it lets its clients do.
 *
 * @category Serving
 */
export interface ServeOptions extends Omit<ClassifierOptions, 'onBatch' | 'maxQueue' | 'maxWaitMs'> {
  /** Path of the checkpoint file; when it is replaced, the server goes on with the new one. */
  checkpoint: string;
  /** Address to listen at. Default: `127.0.0.1`, for this machine alone. */
  host?: string | undefined;
  /** Port to listen at, 0 to 65535; 0: any that is free. Default: 8080. */
  port?: number | undefined;
  /** What clients must send as `Authorization: Bearer <token>`, 16 to 1024 characters. Default: none. */
  token?: string | undefined;
  /** Requests a second from one address, 1 to 1,000,000; more are answered by 429. Default: any number. */
  rateLimit?: number | undefined;
  /** Whether one proxy is in between, which puts the client's address last in `X-Forwarded-For`. Default: false. */
  trustProxy?: boolean | undefined;
  /** Images that wait or run, at most, 1 to 1,000,000; requests beyond are answered by 503. Default: 128. */
  maxQueue?: number | undefined;
  /**
   * For how long a request may have to wait for the model, in milliseconds, 1 to 600,000; those that would wait for longer,
   * as the last batches went, or for longer than their deadline, are answered by 503. Default: 1000.
   */
  maxWaitMs?: number | undefined;
  /** How long a request may take from its head to its answer, in milliseconds, 1 to 600,000. Default: 10,000. */
  deadlineMs?: number | undefined;
  /** Images of one request, 1 to 10,000; those beyond `maxQueue` take their turns. Default: 32. */
  maxImages?: number | undefined;
  /**
   * Bytes of the bodies of all requests under way, as they come: 8 MiB to 64 GiB. While images are decoded, theirs are held twice.
   * Default: 256 MiB.
   */
  maxBodyBytes?: number | undefined;
  /**
   * How long `close` goes on taking requests while it says that it is not ready, in milliseconds, 0 to 600,000: a
   * balancer takes a while to see it. Default: 1000.
   */
  drainDelayMs?: number | undefined;
  /** Whether a new checkpoint in the file's place is loaded by itself. Default: true. */
  watch?: boolean | undefined;
  /** Of the log, one JSON object a line. Default: `silent`. */
  logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug' | undefined;
  /** Where log lines go. Default: the standard output. */
  logStream?: LogStream | undefined;
  /** Closes the server, also while it still loads. */
  signal?: AbortSignal | undefined;
}

/** A server's options with nothing left open; those of the classifier are checked by it. */
export type ServeSettings = Omit<ServeOptions, Defaulted> & {
  readonly [Key in Defaulted]-?: NonNullable<ServeOptions[Key]>;
};

const MIB = 2 ** 20;
/** Of one encoded image. */
export const IMAGE_BYTES = MAX_ENCODED_BYTES;

const DEFAULTS = {
  host: '127.0.0.1',
  port: 8080,
  trustProxy: false,
  maxQueue: 128,
  maxWaitMs: 1000,
  deadlineMs: 10_000,
  maxImages: 32,
  maxBodyBytes: 256 * MIB,
  drainDelayMs: 1000,
  watch: true,
  logLevel: 'silent',
} as const;
type Defaulted = keyof typeof DEFAULTS;

const integer = (min: number, max: number) => {
  const expected = `an integer from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
};
const truth = z.boolean('true or false');

const schema = z.object({
  checkpoint: z.string('a path').min(1, 'a path'),
  host: z.string('an address or a host name').min(1, 'an address or a host name'),
  port: integer(0, 65_535),
  // What a header can hold, and long enough not to be guessed.
  token: z
    .string('16 to 1024 printable ASCII characters without spaces')
    .regex(/^[!-~]{16,1024}$/, '16 to 1024 printable ASCII characters without spaces')
    .optional(),
  rateLimit: integer(1, 1_000_000).optional(),
  maxQueue: integer(1, 1_000_000),
  maxWaitMs: integer(1, 600_000),
  trustProxy: truth,
  deadlineMs: integer(1, 600_000),
  maxImages: integer(1, 10_000),
  maxBodyBytes: integer(IMAGE_BYTES, 64 * 1024 * MIB),
  drainDelayMs: integer(0, 600_000),
  watch: truth,
  logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug'], 'one of silent, error, warn, info, debug'),
});

/** The options with the defaults filled in. Errors: `INVALID_ARGUMENT`. */
export function settleOptions(options: ServeOptions): ServeSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const settings = { ...DEFAULTS, ...given } as ServeSettings;
  const [issue] = schema.safeParse(settings).error?.issues ?? [];
  if (issue === undefined)
    return { ...settings, maxWaitMs: Math.min(settings.maxWaitMs, settings.deadlineMs) };
  const name = String(issue.path[0]) as keyof ServeSettings;
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: `option "${name}" is out of range`,
    expected: issue.message,
    // Nobody's log shall hold a token.
    found: name === 'token' ? 'another text' : JSON.stringify(settings[name]),
    nextStep: 'correct the option, or leave it out',
  });
}
