// Owns `POST /v1/classify`, images in and predictions out, and `GET /v1/model`.
import type { IncomingMessage } from 'node:http';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { untilAborted } from '../../abort-signal.js';
import type { Prediction } from '../../classifier/index.js';
import { decodeImage, type ImageInput } from '../../images/index.js';
import { describeBody } from '../api-docs.js';
import { plainBody, readBody } from '../body.js';
import type { ServeContext } from '../context.js';
import { ticketOf } from '../door.js';
import { readForm, type SentImage } from '../form.js';
import { MODEL_NAME } from '../open-inference/index.js';
import { IMAGE_BYTES } from '../options.js';
import { invalidRequest } from '../refusal.js';
import { classificationSchema, classifyQuerySchema, imageBodies, modelSchema, REFUSALS } from '../schemas.js';
import type { ServedModel } from '../served-model.js';

interface ClassifyQuery {
  topK: number;
  tta: 0 | 1 | 2;
  pixels: boolean;
}

const DESCRIPTION =
  'The body is one JPEG, PNG or WebP image, whatever its content type: `curl --data-binary @photo.jpg <address>/v1/classify`. ' +
  'Several go as a form: `curl -F a=@a.jpg -F b=@b.jpg <address>/v1/classify`. One that cannot be decoded fails the request.';

export async function classifyRoutes(app: FastifyInstance, context: ServeContext): Promise<void> {
  const { settings, model } = context;
  await app.register(multipart);

  app.post<{ Querystring: ClassifyQuery; Body: IncomingMessage | undefined }>('/v1/classify', {
    onRequest: context.door,
    config: describeBody(imageBodies),
    schema: {
      summary: 'Classify images',
      description: DESCRIPTION,
      tags: ['classify'],
      querystring: classifyQuerySchema,
      response: { 200: classificationSchema, ...REFUSALS },
    },
    handler: async (request) => {
      const sent = await imagesOf(request, settings.maxImages);
      const { signal } = ticketOf(request);
      return untilAborted(classify(model, sent, request.query, signal), signal);
    },
  });

  app.get('/v1/model', {
    schema: {
      summary: 'The loaded model',
      tags: ['classify'],
      response: { 200: modelSchema, 503: REFUSALS[503] },
    },
    handler: async () => ({
      name: MODEL_NAME,
      ...model.classifier.info,
      classNames: model.classifier.classNames,
      limits: { imageBytes: IMAGE_BYTES, images: settings.maxImages },
    }),
  });
}

async function classify(
  model: ServedModel,
  sent: readonly SentImage[],
  { pixels: wantsPixels, ...options }: ClassifyQuery,
  signal: AbortSignal,
) {
  const began = performance.now();
  const pixels = wantsPixels ? await Promise.all(sent.map(({ bytes }) => decodeImage(bytes))) : undefined;
  const { classifier } = model;
  const inputs: ImageInput[] = pixels?.map(asRaw) ?? sent.map(({ bytes }) => bytes);
  const predictions = await classifier.classify(inputs, { ...options, signal });
  return {
    model: { name: MODEL_NAME, version: classifier.info.version },
    durationMs: performance.now() - began,
    predictions: predictions.map((prediction, index) => describe(sent[index], prediction, pixels?.[index])),
  };
}

/** What is no form is an image, whatever a client calls it. Errors: `Refusal`. */
async function imagesOf(
  request: FastifyRequest<{ Body: IncomingMessage | undefined }>,
  maxImages: number,
): Promise<SentImage[]> {
  const ticket = ticketOf(request);
  if (request.isMultipart()) return readForm(request, maxImages, ticket);
  if (request.body === undefined)
    throw invalidRequest('the request has no body', 'the bytes of an image, or a form with some', 'none');
  const body = plainBody(request.body, 'the image');
  return [{ file: null, bytes: await readBody(body, IMAGE_BYTES, ticket.share, ticket.signal) }];
}

const asRaw = (data: Uint8Array) => ({ data, width: 32, height: 32, channels: 3 }) as const;

function describe(sent: SentImage | undefined, prediction: Prediction, pixels: Uint8Array | undefined) {
  const seen = pixels && { pixels: Buffer.from(pixels).toString('base64') };
  return { file: sent?.file ?? null, ...prediction, ...seen };
}
