// Owns the error for a request that breaks the Open Inference Protocol v2.
// Must not print values at length: they are a client's, and as long as it likes.
import { Cifar10Error } from '../../errors.js';
import { quoted } from '../../printable.js';
import { INPUT, MODEL_NAME } from './protocol.js';

/** The `INVALID_ARGUMENT` for what stands at `where`: a path in the JSON, a tensor… */
export function invalidRequest(
  where: string,
  expected: string,
  found: string,
  cause?: unknown,
): Cifar10Error {
  return new Cifar10Error('INVALID_ARGUMENT', {
    what: `the inference request is invalid at ${where}`,
    expected,
    found,
    nextStep: `correct the request; GET /v2/models/${MODEL_NAME} describes the tensors`,
    cause,
  });
}

/** Likewise for what the input tensor holds. */
export function invalidInput(expected: string, found: string): Cifar10Error {
  return invalidRequest(`tensor "${INPUT.name}"`, expected, found);
}

/** A value of the JSON in a few words. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
