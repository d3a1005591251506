// Owns fetching one file over HTTP: resume of a broken transfer, retries with back-off, timeouts, the proxy
// environment, an atomic final name. Must not know what the file is: callers check its content.
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pRetry from 'p-retry';
import type { Dispatcher } from 'undici';
import { syncFolder } from './atomic.js';
import { AbortError, Cifar10Error, errorMessage, systemCode, writeError } from './errors.js';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = CONNECT_TIMEOUT_MS + IDLE_TIMEOUT_MS;
const FIRST_RETRY_DELAY_MS = 500;
const LAST_RETRY_DELAY_MS = 30_000;
const MAX_REDIRECTS = 5;

export interface DownloadProgress {
  doneBytes: number;
  /** Undefined while the server has not said and the caller does not know. */
  totalBytes: number | undefined;
}

export interface DownloadOptions {
  /** A server that announces or sends another size is refused. */
  expectedBytes?: number;
  /** Called first with the bytes already there from an earlier, broken download. */
  onProgress?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
  /** Attempts after the first one that may pass without a single new byte; 4 if not given. */
  retries?: number;
}

interface Transfer extends DownloadOptions {
  url: string;
  path: string;
  /** The most bytes that any attempt reached, and whether the last attempt raised it. */
  furthestBytes: number;
  advanced: boolean;
}

/**
 * Downloads `url` to `path`, which is created or replaced only when every byte is on the disk.
 * A broken or aborted download leaves `${path}.part` and goes on from there the next time.
 * Errors: `DOWNLOAD_FAILED`, `DISK_FULL`, `NOT_WRITABLE`, `ABORTED`.
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const { signal, retries = 4 } = options;
  const transfer: Transfer = { ...options, url, path, furthestBytes: 0, advanced: false };
  try {
    await mkdir(dirname(path), { recursive: true });
    await pRetry(() => attempt(transfer), {
      retries,
      minTimeout: FIRST_RETRY_DELAY_MS,
      maxTimeout: LAST_RETRY_DELAY_MS,
      shouldConsumeRetry: () => !transfer.advanced,
      shouldRetry: ({ error }) => !(error instanceof Cifar10Error),
      ...(signal && { signal }),
    });
    await rename(partialPath(path), path);
    await rm(validatorPath(path), { force: true });
    await syncFolder(dirname(path));
  } catch (error) {
    if (signal?.aborted) throw new AbortError(`the download of ${publicUrl(url)} was stopped`, signal.reason);
    throw asDownloadError(url, path, error);
  }
}

/** Removes what a broken download to `path` left for its resumption. */
export async function discardPartialDownload(path: string): Promise<void> {
  await rm(partialPath(path), { force: true });
  await rm(validatorPath(path), { force: true });
}

function partialPath(path: string): string {
  return `${path}.part`;
}

/** Holds the ETag or date of the version that the partial file is a part of. */
function validatorPath(path: string): string {
  return `${path}.part.etag`;
}

/** One request, from the end of the partial file to the end of the body; resolves when all of it is there. */
async function attempt(transfer: Transfer): Promise<void> {
  const { path, expectedBytes } = transfer;
  transfer.advanced = false;
  const partialBytes = await sizeOf(partialPath(path));
  transfer.furthestBytes = Math.max(transfer.furthestBytes, partialBytes);
  // Loaded when needed: most commands download nothing.
  const { EnvHttpProxyAgent } = await import('undici');
  const agent = new EnvHttpProxyAgent({
    connectTimeout: CONNECT_TIMEOUT_MS,
    headersTimeout: IDLE_TIMEOUT_MS,
    bodyTimeout: IDLE_TIMEOUT_MS,
    proxyTunnel: false, // for http: addresses only; https: is always tunnelled
  });
  try {
    const response = await ask(transfer, agent, await rangeHeaders(path, partialBytes));
    if (isAlreadyComplete(response, partialBytes, expectedBytes)) return;
    const span = await acceptedSpan(transfer, response, partialBytes);
    await receive(transfer, response, span);
  } finally {
    await agent.destroy();
  }
}

/** Sends the request and waits for the head of the answer, not longer than the deadline. */
async function ask(
  { url, signal }: Transfer,
  agent: Dispatcher,
  headers: Record<string, string>,
): Promise<Response> {
  const { interceptors, request } = await import('undici');
  const deadline = new AbortController();
  const reason = new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`);
  const timer = setTimeout(() => deadline.abort(reason), ANSWER_TIMEOUT_MS);
  const either = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
  const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTS }));
  try {
    // undici heeds a signal only once it is connected, and connects for ever to a proxy that hangs up on it.
    return await Promise.race([
      request(url, { dispatcher, headers: { 'accept-encoding': 'identity', ...headers }, signal: either }),
      rejectOnAbort(either),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

async function rangeHeaders(path: string, partialBytes: number): Promise<Record<string, string>> {
  if (partialBytes === 0) return {};
  const validator = await readFile(validatorPath(path), 'utf8').catch(() => '');
  return { range: `bytes=${partialBytes}-`, ...(validator !== '' && { 'if-range': validator }) };
}

/** 416 to a request for "the rest" means that nothing was left, if the whole is as long as what is here. */
function isAlreadyComplete(response: Response, partialBytes: number, expectedBytes = partialBytes): boolean {
  if (response.statusCode !== 416 || partialBytes !== expectedBytes) return false;
  return header(response, 'content-range') === `bytes */${partialBytes}`;
}

interface Span {
  startBytes: number;
  totalBytes: number | undefined;
}

/** Says which bytes of the file the body holds; refuses a body that is of no use. */
async function acceptedSpan(transfer: Transfer, response: Response, partialBytes: number): Promise<Span> {
  const { url, path, expectedBytes } = transfer;
  const span = spanOf(response);
  if (span === undefined) {
    if (response.statusCode !== 416 && !isTransient(response.statusCode))
      throw refused(url, 'HTTP status 200', `HTTP status ${response.statusCode}`);
    if (response.statusCode === 416) await discardPartialDownload(path);
    throw new Error(`HTTP status ${response.statusCode}`);
  }
  const { startBytes, totalBytes = expectedBytes } = span;
  if (expectedBytes !== undefined && totalBytes !== expectedBytes) {
    await discardPartialDownload(path);
    throw refused(url, `${expectedBytes} bytes`, `${totalBytes} bytes announced by the server`);
  }
  if (startBytes !== 0 && startBytes !== partialBytes) {
    await discardPartialDownload(path);
    throw new Error(`the server sent bytes from ${startBytes} when asked for those from ${partialBytes}`);
  }
  if (startBytes === 0) await writeFile(validatorPath(path), strongValidator(response));
  return { startBytes, totalBytes };
}

function spanOf(response: Response): Span | undefined {
  if (response.statusCode === 200) {
    const length = header(response, 'content-length');
    return { startBytes: 0, totalBytes: length === undefined ? undefined : Number(length) };
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header(response, 'content-range') ?? '');
  if (response.statusCode !== 206 || range === null) return undefined;
  return { startBytes: Number(range[1]), totalBytes: range[2] === '*' ? undefined : Number(range[2]) };
}

/** Appends the body to the partial file (or starts it over) and checks that nothing is missing or too much. */
async function receive(
  transfer: Transfer,
  response: Response,
  { startBytes, totalBytes }: Span,
): Promise<void> {
  const { url, path, onProgress } = transfer;
  let doneBytes = startBytes;
  onProgress?.({ doneBytes, totalBytes });
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      doneBytes += chunk.length;
      onProgress?.({ doneBytes, totalBytes });
      yield chunk;
    }
  };
  const file = createWriteStream(partialPath(path), { flags: startBytes === 0 ? 'w' : 'a', flush: true });
  try {
    await pipeline(response.body, counted, file);
  } finally {
    transfer.advanced = doneBytes > transfer.furthestBytes;
    transfer.furthestBytes = Math.max(transfer.furthestBytes, doneBytes);
  }
  if (totalBytes === undefined || doneBytes === totalBytes) return;
  if (doneBytes < totalBytes)
    throw new Error(`the connection ended after ${doneBytes} of ${totalBytes} bytes`);
  await discardPartialDownload(path);
  throw refused(url, `${totalBytes} bytes`, `${doneBytes} bytes`);
}

type Response = Dispatcher.ResponseData;

function header(response: Response, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** What `If-Range` may carry: a strong ETag, else the date; empty if the server gives neither. */
function strongValidator(response: Response): string {
  const etag = header(response, 'etag');
  return etag?.startsWith('"') ? etag : (header(response, 'last-modified') ?? '');
}

function isTransient(statusCode: number): boolean {
  return statusCode >= 500 || statusCode === 429 || statusCode === 408;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** The address without the name and password that it may carry. */
function publicUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.username = parsed.password = '';
  return parsed.href;
}

function refused(url: string, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('DOWNLOAD_FAILED', {
    what: `${publicUrl(url)} cannot be downloaded`,
    expected,
    found,
    nextStep: 'check the address, the network and the proxy (HTTPS_PROXY), then run the same command again',
    cause,
  });
}

/** The coded error for whatever stopped the download: our own, the disk's, or the network's. */
function asDownloadError(url: string, path: string, error: unknown): unknown {
  const isNetworkCall = (error as NodeJS.ErrnoException).syscall === 'connect';
  const known = isNetworkCall ? error : writeError(path, error);
  if (known instanceof Cifar10Error) return known;
  return refused(
    url,
    'a complete transfer',
    errorMessage(error) || systemCode(error) || 'no reason given',
    error,
  );
}
