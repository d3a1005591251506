// Owns how nvidia-smi is asked about the GPUs. Must not read nor judge its answer.
import { type ChildOptions, type ChildResult, runChild } from '../child.js';

const CAPABILITY = 'compute_cap';
// nvidia-smi's exit codes
const INVALID_QUESTION = 2;
export const NO_DEVICES = 6;

/** One line a GPU with these fields and its compute capability, which drivers before 510 do not tell. Never rejects. */
export async function queryGpus(fields: readonly string[], options: ChildOptions): Promise<ChildResult> {
  const ask = (names: readonly string[]) =>
    runChild('nvidia-smi', [`--query-gpu=${names.join(',')}`, '--format=csv,noheader,nounits'], options);
  const answer = await ask([...fields, CAPABILITY]);
  // One field that it does not know, and it answers nothing at all.
  return isFieldUnknown(answer) ? ask(fields) : answer;
}

function isFieldUnknown({ end, stdout, stderr }: ChildResult): boolean {
  const isInvalid = end.kind === 'exited' && end.exitCode === INVALID_QUESTION;
  return isInvalid && (stdout + stderr).includes(CAPABILITY);
}
