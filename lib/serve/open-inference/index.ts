// Lists what the Open Inference Protocol v2 offers to the routes.
// Must hold no code.
export { type ModelMetadata, modelMetadata, type ServerMetadata, serverMetadata } from './metadata.js';
export { BINARY_CONTENT_TYPE, JSON_LENGTH_HEADER, MODEL_NAME, type RequestedOutput } from './protocol.js';
export { type InferLimits, type InferRequest, parseInferRequest, parseJsonLength } from './request.js';
export { type EncodedAnswer, encodeInferResponse, type InferAnswer } from './response.js';
