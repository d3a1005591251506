// Owns fetching one file over HTTP: resume of a broken transfer, retries with back-off, the check of size and digest,
// and only then the final name.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pRetry from 'p-retry';
import { AbortError, Cifar10Error, errorMessage, systemCode, writeError } from '../errors.js';
import { hashFile } from '../hash-file.js';
import {
  isOfAnotherVersion,
  isTransient,
  isValidator,
  type Span,
  saysNothingIsLeft,
  spanOf,
  validatorOf,
} from './answer.js';
import { PartialFile, type Version } from './partial-file.js';
import { hasLeftTls, type Response, withAnswer } from './request.js';

const FIRST_RETRY_DELAY_MS = 500;
const LAST_RETRY_DELAY_MS = 30_000;
/** What an attempt must bring, or this part of the whole, not to be one of those that failed. */
const ADVANCE_BYTES = 1 << 16;
const ADVANCE_PART = 0.01;

export interface DownloadProgress {
  doneBytes: number;
  /** Undefined while the server has not said and the caller does not know. */
  totalBytes: number | undefined;
}

export interface DownloadOptions {
  /** A server that announces or sends another size is refused. */
  expectedBytes?: number;
  /** Hex digest of the whole file; other bytes never get the final name. Without it, https: must stay https:. */
  sha256?: string;
  /** Called first with the bytes already there from an earlier, broken download. */
  onProgress?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
  /** Attempts after the first one that may pass with next to nothing new; 4 if not given. */
  retries?: number;
}

interface Transfer extends DownloadOptions {
  url: string;
  partial: PartialFile;
  /** The most bytes that any attempt reached, and whether the last attempt raised it by enough. */
  furthestBytes: number;
  advanced: boolean;
}

/** What is there before a request, and what version it is of. */
interface Begun extends Version {
  bytes: number;
}

/**
 * Downloads `url` to `path`, which is created or replaced only when every byte is on the disk and the digest is right.
 * A broken or aborted download leaves `${path}.part` and goes on from there the next time, if the server says of which
 * version of the file the bytes are or the digest will tell.
 * Errors: `DOWNLOAD_FAILED`, `DISK_FULL`, `NOT_WRITABLE`, `ABORTED`.
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const { signal, retries = 4 } = options;
  const partial = new PartialFile(path);
  const transfer: Transfer = { ...options, url, partial, furthestBytes: 0, advanced: false };
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
    await partial.publish();
  } catch (error) {
    if (signal?.aborted) throw new AbortError(`the download of ${publicUrl(url)} was stopped`, signal.reason);
    throw asDownloadError(url, path, error);
  }
}

/** Removes what a broken download to `path` left for its resumption. */
export async function discardPartialDownload(path: string): Promise<void> {
  await new PartialFile(path).discard();
}

/** One request, from the end of the partial file to the end of the body; resolves when all of it is there and right. */
async function attempt(transfer: Transfer): Promise<void> {
  const { url, signal, expectedBytes, sha256 } = transfer;
  transfer.advanced = false;
  const begun = await findBegun(transfer);
  transfer.furthestBytes = Math.max(transfer.furthestBytes, begun.bytes);
  const isWhole = sha256 !== undefined && begun.bytes === expectedBytes;
  if (!isWhole)
    await withAnswer(url, rangeHeaders(begun), signal, async (response) => {
      if (isAlreadyComplete(transfer, response, begun)) return;
      await receive(transfer, response, await acceptedSpan(transfer, response, begun));
    });
  if (sha256 !== undefined) await checkDigest(transfer, sha256, begun.bytes > 0);
}

/** Bytes whose version nobody knows are not gone on with, unless the digest shows in the end that they fit. */
async function findBegun({ partial, sha256 }: Transfer): Promise<Begun> {
  const bytes = await partial.sizeBytes();
  const { validator: kept, totalBytes } = await partial.version();
  const validator = isValidator(kept) ? kept : '';
  const isUnknown = validator === '' && sha256 === undefined;
  return { bytes: isUnknown ? 0 : bytes, validator, totalBytes };
}

function rangeHeaders({ bytes, validator }: Begun): Record<string, string> {
  if (bytes === 0) return {};
  return { range: `bytes=${bytes}-`, ...(validator !== '' && { 'if-range': validator }) };
}

/** 416 to a request for "the rest" means that nothing was left, if the whole is as long as what is here. */
function isAlreadyComplete({ expectedBytes }: Transfer, response: Response, begun: Begun): boolean {
  const { bytes, validator, totalBytes = bytes } = begun;
  if (bytes === 0 || totalBytes !== bytes || (expectedBytes ?? bytes) !== bytes) return false;
  return saysNothingIsLeft(response, bytes) && !isOfAnotherVersion(response, validator);
}

/** Says which bytes of the file the body holds; refuses a body that is of no use. */
async function acceptedSpan(transfer: Transfer, response: Response, begun: Begun): Promise<Span> {
  const { url, partial, expectedBytes, sha256 } = transfer;
  const { statusCode } = response;
  if (sha256 === undefined && hasLeftTls(url, response))
    throw refused(url, 'an answer over https:', 'a redirect to http:');
  const span = spanOf(response);
  if (span === undefined) {
    if (statusCode !== 416 && statusCode !== 206 && !isTransient(response))
      throw refused(url, 'HTTP status 200', `HTTP status ${statusCode}`);
    if (!isTransient(response)) await partial.discard();
    throw new Error(`HTTP status ${statusCode}`);
  }
  const { startBytes, endBytes, totalBytes = expectedBytes } = span;
  // What is there stays: it may be a proxy's page that has another size, and not the file.
  if (expectedBytes !== undefined && totalBytes !== expectedBytes)
    throw refused(url, `${expectedBytes} bytes`, `${totalBytes} bytes announced by the server`);
  const fault = faultOfSpan(response, { startBytes, endBytes, totalBytes }, begun);
  if (fault !== undefined) {
    await partial.discard();
    throw new Error(fault);
  }
  if (startBytes === 0) await partial.startOver({ validator: validatorOf(response), totalBytes });
  return { startBytes, endBytes, totalBytes };
}

/** Why a part of the file cannot follow what is here; asked for once more, it will be the whole. */
function faultOfSpan(response: Response, span: Span, begun: Begun): string | undefined {
  const { startBytes, endBytes, totalBytes } = span;
  if (startBytes !== 0 && startBytes !== begun.bytes)
    return `the server sent bytes from ${startBytes} when asked for those from ${begun.bytes}`;
  if (startBytes !== 0 && isOfAnotherVersion(response, begun.validator))
    return 'the server sent a part of another version of the file';
  if (startBytes !== 0 && totalBytes !== (begun.totalBytes ?? totalBytes))
    return `the server sent a part of ${totalBytes} bytes, where those here are of ${begun.totalBytes}`;
  if (endBytes !== undefined && totalBytes !== undefined && endBytes > totalBytes)
    return `the server sent bytes up to ${endBytes} of ${totalBytes}`;
  if (endBytes !== undefined && totalBytes === undefined)
    return 'the server sent a part and did not say of how much';
  return undefined;
}

/** Appends the body to the partial file and checks that nothing is missing or too much. */
async function receive(transfer: Transfer, response: Response, span: Span): Promise<void> {
  const { url, partial, onProgress } = transfer;
  const { startBytes, totalBytes, endBytes = totalBytes } = span;
  let doneBytes = startBytes;
  onProgress?.({ doneBytes, totalBytes });
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      doneBytes += chunk.length;
      // Before they are written: a server may send without end.
      if (endBytes !== undefined && doneBytes > endBytes) throw tooLong(url, endBytes);
      onProgress?.({ doneBytes, totalBytes });
      yield chunk;
    }
  };
  try {
    const file = await partial.open();
    await pipeline(response.body, counted, file.createWriteStream({ flush: true }));
  } catch (error) {
    if (error instanceof Cifar10Error) await partial.discard();
    throw error;
  } finally {
    transfer.advanced = doneBytes - transfer.furthestBytes >= enoughBytes(totalBytes);
    transfer.furthestBytes = Math.max(transfer.furthestBytes, doneBytes);
  }
  if (totalBytes !== undefined && doneBytes < totalBytes)
    throw new Error(`the connection ended after ${doneBytes} of ${totalBytes} bytes`);
}

/** A server that gives a byte an answer would never use up the retries otherwise. */
function enoughBytes(totalBytes = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.min(ADVANCE_BYTES, totalBytes * ADVANCE_PART));
}

/** Wrong bytes are thrown away. Of two transfers they may be of two versions: all is then asked for once more. */
async function checkDigest(transfer: Transfer, expected: string, isJoined: boolean): Promise<void> {
  const { url, partial, signal } = transfer;
  const found = await hashFile(partial.path, 'sha256', { signal });
  if (found === expected) return;
  await partial.discard();
  if (isJoined)
    throw new Error(`the parts of two transfers do not fit: expected sha256 ${expected}, found ${found}`);
  throw refused(url, `sha256 ${expected}`, `the wrong sha256 ${found}`);
}

/** The address without the name and password that it may carry. */
function publicUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.username = parsed.password = '';
  return parsed.href;
}

function tooLong(url: string, expectedBytes: number): Cifar10Error {
  return refused(url, `${expectedBytes} bytes`, 'more');
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
