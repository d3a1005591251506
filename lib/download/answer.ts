// Owns reading the head of an HTTP answer: which bytes of which version of the file its body holds. A server is believed
// only where its headers agree with each other and with what was asked.
import type { Dispatcher } from 'undici';

export type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>;

/** The bytes from `startBytes` up to, not including, `endBytes`. */
export interface Span {
  startBytes: number;
  /** Undefined where the server does not say how long the body is. */
  endBytes: number | undefined;
  /** Of the whole file. */
  totalBytes: number | undefined;
}

/** What a body holds, if it is the file or a part of it. */
export function spanOf(answer: Answer): Span | undefined {
  if (answer.statusCode === 200) {
    const length = header(answer, 'content-length');
    const totalBytes = length === undefined ? undefined : Number(length);
    return { startBytes: 0, endBytes: totalBytes, totalBytes };
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header(answer, 'content-range') ?? '');
  if (answer.statusCode !== 206 || range === null) return undefined;
  const [startBytes, lastByte] = [Number(range[1]), Number(range[2])];
  const totalBytes = range[3] === '*' ? undefined : Number(range[3]);
  if (lastByte < startBytes || lastByte >= (totalBytes ?? Number.POSITIVE_INFINITY)) return undefined;
  return { startBytes, endBytes: lastByte + 1, totalBytes };
}

/** Whether the answer to a request for the rest says that nothing is left of a file of `bytes`. */
export function saysNothingIsLeft(answer: Answer, bytes: number): boolean {
  return answer.statusCode === 416 && header(answer, 'content-range') === `bytes */${bytes}`;
}

/** What `If-Range` may carry: a strong ETag, else the date; empty if the server gives neither. */
export function validatorOf(answer: Answer): string {
  const etag = header(answer, 'etag') ?? '';
  if (etag.startsWith('"') && isValidator(etag)) return etag;
  const date = header(answer, 'last-modified') ?? '';
  return isValidator(date) ? date : '';
}

/** Whether the text can be sent back as it is: a header cannot carry everything that a server or a file may hold. */
export function isValidator(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}

/** Whether the answer says that it is of another version than `validator`; false where it says nothing. */
export function isOfAnotherVersion(answer: Answer, validator: string): boolean {
  if (validator === '') return false;
  const own = header(answer, validator.startsWith('"') ? 'etag' : 'last-modified');
  return own !== undefined && own !== validator;
}

/** Whether the same request may be answered otherwise in a moment. */
export function isTransient({ statusCode }: Answer): boolean {
  return statusCode >= 500 || statusCode === 429 || statusCode === 408;
}

function header({ headers }: Answer, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
