// Owns the routes of the Open Inference Protocol v2, so that clients of KServe and Triton work unchanged; what is in the bodies is
// open-inference/'s, and health is in health.ts.
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { makeErrorHandler } from '../answer-errors.js';
import { readBody } from '../body.js';
import type { ServeContext } from '../context.js';
import { makeDoor, type Ticket, ticketOf, untilAborted } from '../door.js';
import {
  BINARY_CONTENT_TYPE,
  encodeInferResponse,
  JSON_LENGTH_HEADER,
  MODEL_NAME,
  modelMetadata,
  parseInferRequest,
  parseJsonLength,
  serverMetadata,
} from '../open-inference/index.js';
import { IMAGE_BYTES } from '../options.js';
import { invalidRequest, noSuch, tooLarge } from '../refusal.js';

const MIB = 2 ** 20;
/** The largest image in base64, and the rest of its JSON. */
const JSON_BYTES = 12 * MIB;
const BODY_BYTES = 64 * MIB;

interface ModelParams {
  name: string;
  version?: string;
}

const tags = ['Open Inference Protocol v2'];

export async function openInferenceRoutes(app: FastifyInstance, context: ServeContext): Promise<void> {
  app.removeAllContentTypeParsers();
  // Triton's client names no content type, KServe's one of two.
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const { share, signal } = ticketOf(request);
    return readBody(payload, 'the request', BODY_BYTES, share, signal);
  });
  // The protocol's errors are a text.
  app.setErrorHandler(makeErrorHandler(context, ({ message }) => ({ error: message })));

  for (const url of ['/v2', '/v2/'])
    app.get(url, {
      schema: { summary: 'Server metadata', tags, hide: url === '/v2/' },
      handler: async () => serverMetadata(),
    });
  for (const url of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<{ Params: ModelParams }>(url, {
      schema: { summary: 'Model metadata', tags },
      handler: async ({ params }) => modelMetadata(versionOf(context, params)),
    });
    app.post<{ Params: ModelParams; Body: Buffer | undefined }>(`${url}/infer`, {
      onRequest: makeDoor(context),
      schema: {
        summary: 'Inference',
        description: 'JSON, or JSON with binary tensors behind it: the binary tensor data extension',
        tags,
        consumes: ['application/json', BINARY_CONTENT_TYPE],
      },
      handler: (request, reply) => infer(context, request, reply),
    });
  }
}

/** Of the loaded model, if it is the one that was asked for. Errors: `Refusal`. */
function versionOf({ model }: ServeContext, { name, version }: ModelParams): string {
  const { info } = model.classifier;
  if (name !== MODEL_NAME) throw noSuch(`model of this name; the only one is "${MODEL_NAME}"`);
  if (version !== undefined && version !== info.version)
    throw noSuch(`version of this name; the loaded one is "${info.version}"`);
  return info.version;
}

async function infer(
  context: ServeContext,
  request: FastifyRequest<{ Params: ModelParams; Body: Buffer | undefined }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { settings, model } = context;
  const ticket = ticketOf(request);
  versionOf(context, request.params);
  const body = await decompress(request, ticket);
  const jsonLength = parseJsonLength(request.headers[JSON_LENGTH_HEADER]);
  const limits = { images: settings.maxImages, imageBytes: IMAGE_BYTES, jsonBytes: JSON_BYTES };
  const { id, images, outputs } = parseInferRequest(body, jsonLength, limits);
  const { classifier } = model;
  const probabilities = await classifier.probabilities(images, { signal: ticket.signal });
  const { classNames, info } = classifier;
  const answer = encodeInferResponse({ id, modelVersion: info.version, probabilities, classNames, outputs });
  if (answer.jsonLength === undefined) return reply.type('application/json').send(answer.body);
  return reply.header(JSON_LENGTH_HEADER, answer.jsonLength).type(BINARY_CONTENT_TYPE).send(answer.body);
}

const DECOMPRESS = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
]);

/** What both clients can be told to send. Errors: `Refusal`. */
async function decompress(
  { body, headers }: FastifyRequest<{ Body: Buffer | undefined }>,
  { share, signal }: Ticket,
): Promise<Buffer> {
  if (body === undefined) throw invalidRequest('the request has no body', 'an inference request', 'none');
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body;
  const decode = DECOMPRESS.get(encoding);
  if (decode === undefined)
    throw invalidRequest('the content encoding is unknown', 'gzip, deflate or none', encoding);
  try {
    const decoded = await untilAborted(decode(body, { maxOutputLength: BODY_BYTES }), signal);
    share.take(decoded.length);
    return decoded;
  } catch (error) {
    const code = (error as { code?: string }).code ?? '';
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge('the decompressed request', BODY_BYTES);
    if (code.startsWith('Z_'))
      throw invalidRequest('the body cannot be decompressed', `${encoding} data`, code);
    throw error;
  }
}
