// Owns the check that a checkpoint's tensors are those of the model they are to be loaded into.
// Must not know models: it compares names, dtypes and shapes.
import { Cifar10Error } from '../errors.js';
import type { TensorLayout } from './tensor.js';

/** Passes if the names, dtypes and shapes are the same; `what` holds the tensors. Errors: `CHECKPOINT_MISMATCH`, which names the first difference. */
export function assertTensorsMatch(
  what: string,
  tensors: ReadonlyMap<string, TensorLayout>,
  expected: ReadonlyMap<string, TensorLayout>,
): void {
  const names = new Set([...expected.keys(), ...tensors.keys()]);
  const different = [...names].filter(
    (name) => describe(name, tensors.get(name)) !== describe(name, expected.get(name)),
  );
  const [first, ...more] = different;
  if (first === undefined) return;
  throw new Cifar10Error('CHECKPOINT_MISMATCH', {
    what: `${what} is of another model${more.length > 0 ? ` (${different.length} tensors differ)` : ''}`,
    expected: describe(first, expected.get(first)),
    found: describe(first, tensors.get(first)),
    nextStep: 'give a checkpoint of this model, or choose the model it was trained with',
  });
}

function describe(name: string, layout: TensorLayout | undefined): string {
  return layout === undefined ? `no "${name}"` : `"${name}" ${layout.dtype} [${layout.shape.join(', ')}]`;
}
