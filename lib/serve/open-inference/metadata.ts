// Owns what a server and its model say about themselves in the Open Inference Protocol v2.
// Must not know which model is loaded: its version is given.
import { VERSION } from '../../version.js';
import { INPUT, MODEL_NAME, OUTPUT_NAMES, OUTPUTS } from './protocol.js';

/** The answer to `GET /v2`. */
export interface ServerMetadata {
  readonly name: string;
  /** Of this package. */
  readonly version: string;
  readonly extensions: readonly string[];
}

export function serverMetadata(): ServerMetadata {
  return { name: 'cifar10-torch', version: VERSION, extensions: ['binary_tensor_data'] };
}

/** A tensor of the model. */
interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1: a length that each request chooses. */
  readonly shape: readonly number[];
}

/** The answer to `GET /v2/models/cifar10`. */
export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** `version`: the only one that may be asked for. */
export function modelMetadata(version: string): ModelMetadata {
  return {
    name: MODEL_NAME,
    versions: [version],
    // <project>_<format>, as in "pytorch_torchscript": whose nets these are, and the format of their file.
    platform: 'cifar10-torch_safetensors',
    inputs: [INPUT],
    outputs: OUTPUT_NAMES.map((name) => ({ name, ...OUTPUTS[name] })),
  };
}
