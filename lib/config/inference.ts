// Owns the check of the options that a caller of the library gives for running a trained model.
import { Cifar10Error } from '../errors.js';
import { configToSnake } from './keys.js';
import { inferenceSchema } from './schema/inference.js';

/** Passes if each option of `inferenceSchema`, where given, is in range. Errors: `INVALID_ARGUMENT`. */
export function assertValidInference(options: object): void {
  const [issue] = inferenceSchema.safeParse(configToSnake(options)).error?.issues ?? [];
  if (issue === undefined) return;
  const name = String(issue.path[0]).replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: `option "${name}" is out of range`,
    expected: issue.message,
    found: JSON.stringify((options as Record<string, unknown>)[name]),
    nextStep: 'correct the option, or leave it out',
  });
}
