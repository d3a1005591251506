// Owns what a client is told when it gets no answer: status, code and text of every failure.
import type { FastifyError } from 'fastify';
import { Cifar10Error, type ErrorCode, type ErrorDetails } from '../errors.js';

/** Codes that only HTTP answers have. */
type RefusalCode =
  | 'BODY_TOO_LARGE'
  | 'CLIENT_GONE'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'NOT_READY'
  | 'RATE_LIMITED'
  | 'REQUEST_INVALID'
  | 'UNAUTHORIZED';

/** Why a request gets no answer. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly status: number;
  readonly code: ErrorCode | RefusalCode;
  readonly details: ErrorDetails;
  /** For the header `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    code: ErrorCode | RefusalCode,
    details: ErrorDetails,
    { retryAfterSeconds, message = sentence(details) }: { retryAfterSeconds?: number; message?: string } = {},
  ) {
    super(message, { cause: details.cause });
    this.status = status;
    this.code = code;
    this.details = details;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

function sentence({ what, expected, found, nextStep }: ErrorDetails): string {
  // The same form as that of all errors here.
  return new Cifar10Error('INTERNAL', { what, expected, found, nextStep }).message;
}

/** Some of what waits now has been answered by then. */
export const RETRY_SECONDS = 1;

export const notReady = (found: string) =>
  new Refusal(
    503,
    'NOT_READY',
    { what: 'the model is not ready', found, nextStep: 'try again a little later' },
    { retryAfterSeconds: RETRY_SECONDS },
  );

export const queueFull = (found: string, expected?: string) =>
  new Refusal(
    503,
    'QUEUE_FULL',
    { what: 'too many images wait to be classified', expected, found, nextStep: 'try again a little later' },
    { retryAfterSeconds: RETRY_SECONDS },
  );

export const tooLarge = (what: string, maxBytes: number) =>
  new Refusal(413, 'BODY_TOO_LARGE', {
    what: `${what} is too large`,
    expected: `at most ${maxBytes} bytes`,
    nextStep: 'send less at a time, or images saved smaller',
  });

export const tooLate = (deadlineMs: number) =>
  new Refusal(504, 'DEADLINE_EXCEEDED', {
    what: 'the request took too long',
    expected: `an answer within ${deadlineMs} ms`,
    nextStep: 'send less at a time, or try again later',
  });

/** In figures and the log, of what nobody reads an answer to: the status that servers have come to write there. */
export const CLIENT_GONE = 499;

export const clientGone = () => new Refusal(CLIENT_GONE, 'CLIENT_GONE', { what: 'the client has gone' });

export const noSuch = (what: string) =>
  new Refusal(404, 'NOT_FOUND', { what: `there is no ${what}`, nextStep: 'see /docs for what there is' });

export const invalidRequest = (what: string, expected: string, found?: string) =>
  new Refusal(400, 'REQUEST_INVALID', { what, expected, found, nextStep: 'correct the request; see /docs' });

/** The client's fault; any other error of the package is the server's. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  IMAGE_INVALID: 400,
  INVALID_ARGUMENT: 400,
};

/** Whatever was thrown while a request was answered, as what its client is told. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Cifar10Error) return fromPackage(error);
  const { statusCode, message, code } = error as FastifyError;
  if (statusCode === 401)
    return new Refusal(401, 'UNAUTHORIZED', {
      what: 'this server answers only with its token',
      expected: 'the header Authorization: Bearer <token>',
      found: message,
      nextStep: 'ask whoever runs it for the token',
    });
  if (statusCode === 413)
    return new Refusal(413, 'BODY_TOO_LARGE', { what: message, nextStep: 'send less at a time' });
  if (statusCode !== undefined && statusCode < 500)
    return new Refusal(statusCode, 'REQUEST_INVALID', {
      what: message,
      found: code,
      nextStep: 'correct the request; see /docs',
    });
  return internal(error);
}

function fromPackage(error: Cifar10Error): Refusal {
  const { code, expected, found, nextStep, message, cause } = error;
  if (code === 'ABORTED' && cause instanceof Refusal) return cause; // the request's own end
  if (code === 'QUEUE_FULL') return queueFull(found ?? '', expected);
  const status = STATUS[code];
  if (status === undefined) return internal(error);
  return new Refusal(status, code, { what: message, expected, found, nextStep }, { message });
}

/** What went wrong inside is for the log: it may name paths. */
function internal(cause: unknown): Refusal {
  return new Refusal(500, 'INTERNAL', {
    what: 'the server could not answer',
    nextStep: 'tell whoever runs it; its log says why',
    cause,
  });
}

/** The answer's body. */
export function describeRefusal({ code, message, details }: Refusal) {
  const { expected, found, nextStep } = details;
  return { error: { code, message, expected, found, nextStep } };
}
