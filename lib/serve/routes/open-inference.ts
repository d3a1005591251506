// Owns the routes of the Open Inference Protocol v2, so that clients of KServe and Triton work unchanged; what is in the bodies is
// open-inference/'s, and health is in health.ts.
import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { untilAborted } from '../../abort-signal.js';
import { describeBody } from '../api-docs.js';
import { type Body, plainBody, readBody } from '../body.js';
import type { ServeContext } from '../context.js';
import { ticketOf } from '../door.js';
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
import { invalidRequest, noSuch } from '../refusal.js';
import { inferenceAnswers, protocolAnswers, protocolBodies } from '../schemas.js';

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
  for (const url of ['/v2', '/v2/'])
    app.get(url, {
      schema: { summary: 'Server metadata', tags, hide: url === '/v2/' },
      handler: async () => serverMetadata(),
    });
  for (const url of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    app.get<{ Params: ModelParams }>(url, {
      schema: { summary: 'Model metadata', tags, response: protocolAnswers },
      handler: async ({ params }) => modelMetadata(versionOf(context, params)),
    });
    app.post<{ Params: ModelParams; Body: IncomingMessage | undefined }>(`${url}/infer`, {
      onRequest: context.door,
      config: describeBody(protocolBodies),
      schema: {
        summary: 'Inference',
        description: 'JSON, or JSON with binary tensors behind it: the binary tensor data extension',
        tags,
        response: inferenceAnswers,
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
  request: FastifyRequest<{ Params: ModelParams; Body: IncomingMessage | undefined }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { settings, model } = context;
  const { share, signal } = ticketOf(request);
  versionOf(context, request.params);
  if (request.body === undefined)
    throw invalidRequest('the request has no body', 'an inference request', 'none');
  const body = await readBody(decodedBody(request.body), BODY_BYTES, share, signal);
  const jsonLength = parseJsonLength(request.headers[JSON_LENGTH_HEADER]);
  const limits = { images: settings.maxImages, imageBytes: IMAGE_BYTES, jsonBytes: JSON_BYTES };
  const { id, images, outputs } = parseInferRequest(body, jsonLength, limits);
  versionOf(context, request.params); // another may have come with the body
  const { classifier } = model;
  const probabilities = await untilAborted(classifier.probabilities(images, { signal }), signal);
  const { classNames, info } = classifier;
  const answer = encodeInferResponse({ id, modelVersion: info.version, probabilities, classNames, outputs });
  if (answer.jsonLength === undefined) return reply.type('application/json').send(answer.body);
  return reply.header(JSON_LENGTH_HEADER, answer.jsonLength).type(BINARY_CONTENT_TYPE).send(answer.body);
}

/** What clients can be told to send. */
const DECODERS = new Map([
  ['gzip', createGunzip],
  ['deflate', createInflate],
]);

/** What is compressed is counted as it comes out, so that a little cannot become a lot. Errors: `Refusal`. */
function decodedBody(payload: IncomingMessage): Body {
  const what = 'the request';
  const encoding = payload.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return plainBody(payload, what);
  const createDecoder = DECODERS.get(encoding);
  if (createDecoder === undefined)
    throw invalidRequest('the content encoding is unknown', 'gzip, deflate or none', encoding);
  const stream = payload.pipe(createDecoder());
  const giveUp = () => {
    payload.unpipe(stream).resume();
    stream.destroy();
  };
  return { stream, what, giveUp };
}
