// Owns the wording of what can be wrong with an image or its folder.
import { Cifar10Error, errorMessage, systemCode } from '../errors.js';

/** `IMAGE_NOT_FOUND` for a path that leads nowhere, or nowhere that this user can read. */
export function notFound(what: string, expected: string, error: unknown): Cifar10Error {
  return new Cifar10Error('IMAGE_NOT_FOUND', {
    what: `${what} cannot be opened`,
    expected,
    found: systemCode(error) ?? errorMessage(error),
    nextStep: 'check the path',
    cause: error,
  });
}

interface Mend {
  nextStep?: string;
  cause?: unknown;
}

/** `IMAGE_INVALID` for what is there and is no image, or none that is accepted. */
export function invalidImage(
  name: string,
  expected: string,
  found: string,
  { nextStep = 'give a JPEG, PNG or WebP image, or leave it out', cause }: Mend = {},
): Cifar10Error {
  return new Cifar10Error('IMAGE_INVALID', {
    what: `${name} cannot be decoded`,
    expected,
    found,
    nextStep,
    cause,
  });
}
