// Owns the check of the runtime options that a caller of the library gives for one call.
import { Cifar10Error } from '../errors.js';
import { configToSnake } from './keys.js';
import { runtimeSchema } from './schema/index.js';

/** Passes if device, precision, threads, kernels, tile and TTA level, where given, are in range. Errors: `INVALID_ARGUMENT`. */
export function assertValidRuntime(options: object): void {
  const [issue] = runtimeSchema.safeParse(configToSnake(options)).error?.issues ?? [];
  if (issue === undefined) return;
  const name = String(issue.path[0]).replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: `option "${name}" is out of range`,
    expected: issue.message,
    found: JSON.stringify((options as Record<string, unknown>)[name]),
    nextStep: 'correct the option, or leave it out',
  });
}
