// Owns the check that a checkpoint's tensors are those of the model they are to be loaded into.
// Must not know models: it compares names, dtypes and shapes.
import { Cifar10Error } from '../errors.js';
import { quoted } from '../printable.js';
import type { TensorLayout } from './tensor.js';

/** Passes if the names, dtypes and shapes are the same; `what` holds the tensors. Errors: `CHECKPOINT_MISMATCH`, which names the first difference. */
export function assertTensorsMatch(
  what: string,
  tensors: ReadonlyMap<string, TensorLayout>,
  expected: ReadonlyMap<string, TensorLayout>,
): void {
  // Without a list or a text of each: the largest model that a file may name has thousands of tensors.
  let first: string | undefined;
  let count = 0;
  for (const name of namesIn(expected, tensors)) {
    if (isSame(tensors.get(name), expected.get(name))) continue;
    first ??= name;
    count++;
  }
  if (first === undefined) return;
  throw new Cifar10Error('CHECKPOINT_MISMATCH', {
    what: `${what} is of another model${count > 1 ? ` (${count} tensors differ)` : ''}`,
    expected: describe(first, expected.get(first)),
    found: describe(first, tensors.get(first)),
    nextStep: 'give a checkpoint of this model, or choose the model it was trained with',
  });
}

/** Each name once. */
function* namesIn(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): Generator<string> {
  yield* a.keys();
  for (const name of b.keys()) if (!a.has(name)) yield name;
}

function isSame(a: TensorLayout | undefined, b: TensorLayout | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const { shape } = b;
  return (
    a.dtype === b.dtype && a.shape.length === shape.length && a.shape.every((side, i) => side === shape[i])
  );
}

function describe(name: string, layout: TensorLayout | undefined): string {
  return layout === undefined
    ? `no ${quoted(name)}`
    : `${quoted(name)} ${layout.dtype} [${layout.shape.join(', ')}]`;
}
