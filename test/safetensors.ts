// Owns reading a safetensors file that is in memory, by the parts that lib reads one on the disk with.
import { PREFIX_BYTES } from '../lib/checkpoint/safetensors-encode.js';
import { headSize, parseHead, sliceTensors } from '../lib/checkpoint/safetensors-parse.js';

/** The tensors, in the order of the data, as views of it. `name`: of the data, in errors. Errors: `CHECKPOINT_INVALID`. */
export function parseSafetensors(bytes: Uint8Array, name = 'the safetensors data') {
  const source = { name, nextStep: 'write it again' };
  const size = headSize(bytes.subarray(0, PREFIX_BYTES), bytes.length, source);
  const head = parseHead(bytes.subarray(0, size), bytes.length, source);
  return { tensors: sliceTensors(head, bytes.subarray(size)), metadata: head.metadata };
}
