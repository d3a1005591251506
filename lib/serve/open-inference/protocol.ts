// Owns the names that the Open Inference Protocol v2 (KServe, Triton) gives to things here: the model, its tensors, the
// header of the binary extension. Facts only: nothing here reads or writes a message.
// https://github.com/kserve/open-inference-protocol, specification/protocol/inference_rest.md

/** The name under which the one model of a server is asked for. */
export const MODEL_NAME = 'cifar10';

/**
 * Length in bytes of the JSON in a body with binary tensors behind it, both ways; in lower case, as Node.js names
 * headers. A body without it is JSON throughout.
 * https://github.com/triton-inference-server/server, docs/protocol/extension_binary_data.md
 */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';

/** The content type of such a body; `application/json` is that of the others. */
export const BINARY_CONTENT_TYPE = 'application/octet-stream';

/**
 * RGB, interleaved, 0–255; -1 is a length that each request chooses. Requests may also give another height and width, or
 * `BYTES` [N]: files of images. The protocol has no way to say so.
 */
export const INPUT = { name: 'images', datatype: 'UINT8', shape: [-1, 32, 32, 3] } as const;

/** Per image: the probability of each class, the name of the likeliest, its index. */
export const OUTPUTS = {
  probabilities: { datatype: 'FP32', shape: [-1, 10] },
  labels: { datatype: 'BYTES', shape: [-1] },
  classes: { datatype: 'INT64', shape: [-1] },
} as const;

export type OutputName = keyof typeof OUTPUTS;

export const OUTPUT_NAMES = Object.keys(OUTPUTS) as OutputName[];

/** An output that a request asks for. */
export interface RequestedOutput {
  readonly name: OutputName;
  /** Whether it goes behind the JSON of the answer. */
  readonly isBinary: boolean;
}
