// Owns reading an inference request of the Open Inference Protocol v2: JSON, and with the binary extension a tensor behind it.
// Must not know HTTP: the routes give it the body, decompressed, and the header.
import { errorMessage } from '../../errors.js';
import type { RawImage } from '../../images/index.js';
import { describe, invalidInput, invalidRequest } from './invalid.js';
import { JSON_LENGTH_HEADER, OUTPUT_NAMES, type RequestedOutput } from './protocol.js';
import { checkRequest, type RequestJson } from './request-schema.js';
import { type ImageLimits, type InputTensor, readImages } from './tensor-data.js';

/** How much one request may hold. */
export interface InferLimits extends ImageLimits {
  /** Of the JSON, which is parsed on the event loop: the largest image in base64 should fit, and not much more. */
  readonly jsonBytes: number;
}

/** What a request asks for. */
export interface InferRequest {
  /** To be returned in the answer. */
  readonly id?: string | undefined;
  /** At least one: raw RGB pixels of any size, or files of images, yet to be decoded. */
  readonly images: readonly (RawImage | Uint8Array)[];
  /** In the order of the answer. */
  readonly outputs: readonly RequestedOutput[];
}

/** The length that the header `JSON_LENGTH_HEADER` gives, if there is one. Errors: `INVALID_ARGUMENT`. */
export function parseJsonLength(header: string | readonly string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw invalidRequest(`the header ${JSON_LENGTH_HEADER}`, 'a number of bytes', describe(header));
}

/**
 * Reads a request. `jsonLength`: the bytes of `body` that are JSON, where a binary tensor follows; undefined: all. Images
 * of a binary tensor are views into `body`. Errors: `INVALID_ARGUMENT`, whatever is wrong.
 */
export function parseInferRequest(
  body: Buffer,
  jsonLength: number | undefined,
  limits: InferLimits,
): InferRequest {
  const lengthBytes = jsonLength ?? body.length;
  if (lengthBytes > body.length)
    throw invalidRequest(
      `the header ${JSON_LENGTH_HEADER}`,
      `at most ${body.length} bytes`,
      `${lengthBytes}`,
    );
  if (lengthBytes > limits.jsonBytes)
    throw invalidRequest('its JSON', `at most ${limits.jsonBytes} bytes`, `${lengthBytes} bytes`);
  const request = checkRequest(parseJson(body.subarray(0, lengthBytes)));
  return {
    id: request.id ?? undefined,
    images: readImages(toTensor(request, body.subarray(lengthBytes), jsonLength !== undefined), limits),
    outputs: toOutputs(request),
  };
}

/** Millions of small lists and objects would take seconds and hundreds of MB; 32 images in nested lists have 34 thousand. */
const MAX_MARKS = 100_000;
const MARKS = new Set([...'[{"'].map((mark) => mark.charCodeAt(0)));

function parseJson(bytes: Buffer): unknown {
  let marks = 0;
  for (let at = 0; at < bytes.length; at++) if (MARKS.has(bytes[at] as number)) marks++;
  if (marks > MAX_MARKS)
    throw invalidRequest(
      'its JSON',
      `at most ${MAX_MARKS} brackets and quotes: data in one list needs few`,
      `${marks}`,
    );
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalidRequest('its JSON', 'JSON in UTF-8', errorMessage(error), error);
  }
}

/** With the data, which stands in the JSON or makes up all of `binary`. */
function toTensor({ inputs: [input] }: RequestJson, binary: Buffer, hasJsonLength: boolean): InputTensor {
  const { datatype, shape, data, parameters } = input;
  const sizeBytes = parameters?.binary_data_size ?? undefined;
  const contentType = parameters?.content_type ?? undefined;
  if (Array.isArray(data) === (sizeBytes !== undefined))
    throw invalidInput('either "data" or the parameter "binary_data_size"', data ? 'both' : 'neither');
  if (sizeBytes !== undefined && !hasJsonLength)
    throw invalidInput(`the header ${JSON_LENGTH_HEADER} with the length of the JSON`, 'no such header');
  if (binary.length !== (sizeBytes ?? 0))
    throw invalidInput(`${sizeBytes ?? 0} bytes behind the JSON`, `${binary.length} bytes`);
  return { datatype, shape, data: data ?? binary, contentType };
}

function toOutputs({ outputs, parameters }: RequestJson): RequestedOutput[] {
  const isBinary = parameters?.binary_data_output ?? false;
  if (!outputs?.length) return OUTPUT_NAMES.map((name) => ({ name, isBinary }));
  return outputs.map((output) => ({
    name: output.name,
    isBinary: output.parameters?.binary_data ?? isBinary,
  }));
}
