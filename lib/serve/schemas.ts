// Owns the JSON schemas of what goes over HTTP: Fastify checks requests and writes answers by them, /docs shows them.

export const errorSchema = {
  type: 'object',
  description: 'Why there is no answer',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string', description: 'What went wrong, for a program: IMAGE_INVALID, QUEUE_FULL…' },
        message: { type: 'string', description: 'One sentence for a person' },
        expected: { type: 'string' },
        found: { type: 'string' },
        nextStep: { type: 'string' },
      },
    },
  },
} as const;

const classProbability = {
  label: { type: 'string', description: 'The name of the class' },
  probability: { type: 'number', description: '0 to 1' },
} as const;

const prediction = {
  type: 'object',
  required: ['file', 'label', 'probability', 'topK'],
  properties: {
    file: { type: 'string', nullable: true, description: 'The name of the file in the form, if it has one' },
    ...classProbability,
    topK: {
      type: 'array',
      description: 'The most probable classes, in falling order',
      items: { type: 'object', required: ['label', 'probability'], properties: classProbability },
    },
    pixels: {
      type: 'string',
      description: 'With pixels=true: what the net was given, base64 of uint8 [32,32,3], RGB',
    },
  },
} as const;

export const classificationSchema = {
  type: 'object',
  description: 'A prediction for each image, in their order',
  required: ['model', 'durationMs', 'predictions'],
  properties: {
    model: {
      type: 'object',
      required: ['name', 'version'],
      properties: { name: { type: 'string' }, version: { type: 'string' } },
    },
    durationMs: { type: 'number', description: 'From the last byte of the body to the answer' },
    predictions: { type: 'array', items: prediction },
  },
} as const;

const bytes = { type: 'string', format: 'binary' } as const;

/** By content type. */
export const imageBodies = {
  'image/jpeg': bytes,
  'image/png': bytes,
  'image/webp': bytes,
  'application/octet-stream': bytes,
  'multipart/form-data': { type: 'object', properties: { image: { type: 'array', items: bytes } } },
} as const;

export const classifyQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    topK: { type: 'integer', minimum: 1, maximum: 10, default: 3, description: 'How many classes to list' },
    tta: {
      type: 'integer',
      enum: [0, 1, 2],
      default: 0,
      description: 'Test-time augmentation: 0 none, 1 mirror, 2 mirror and shifts',
    },
    pixels: { type: 'boolean', default: false, description: 'Whether to add what the net was given' },
  },
} as const;

export const modelSchema = {
  type: 'object',
  description: 'The loaded model',
  properties: {
    name: { type: 'string' },
    version: { type: 'string', description: "Of the checkpoint's content" },
    net: { type: 'string' },
    parameterCount: { type: 'integer' },
    device: { type: 'string' },
    dtype: { type: 'string' },
    classNames: { type: 'array', items: { type: 'string' } },
    limits: {
      type: 'object',
      properties: { imageBytes: { type: 'integer' }, images: { type: 'integer' } },
    },
  },
} as const;

const text = { type: 'string' } as const;
const protocolError = { type: 'object', required: ['error'], properties: { error: text } } as const;
const anyObject = { type: 'object', additionalProperties: true } as const;

/** Of the Open Inference Protocol v2, whose own description has the rest. */
export const protocolBodies = {
  'application/json': {
    type: 'object',
    required: ['inputs'],
    properties: {
      id: text,
      inputs: { type: 'array', items: anyObject, description: 'One tensor, "images"' },
      outputs: { type: 'array', items: anyObject },
    },
  },
  'application/octet-stream': { type: 'string', format: 'binary' },
} as const;

/** Likewise, its answers. */
export const protocolAnswers = {
  200: { ...anyObject, description: 'As the Open Inference Protocol v2 describes it' },
  404: { ...protocolError, description: 'No such model or version' },
  503: { ...protocolError, description: 'Not ready, or too many images wait; see Retry-After' },
} as const;

/** The answers that any classification may get instead of a result, in the form of the schema. */
function refusalsAs(schema: object) {
  return {
    400: { ...schema, description: 'The request or an image in it cannot be used' },
    401: { ...schema, description: 'The token is missing or another one' },
    413: { ...schema, description: 'Too many bytes or too many images' },
    429: { ...schema, description: 'Too many requests from this address; see Retry-After' },
    500: { ...schema, description: 'The server is at fault' },
    503: { ...schema, description: 'Not ready, or too many images wait; see Retry-After' },
    504: { ...schema, description: 'It took too long' },
  };
}

export const REFUSALS = refusalsAs(errorSchema);
/** To an inference request of the protocol. */
export const inferenceAnswers = { ...refusalsAs(protocolError), ...protocolAnswers };
