// Owns telling whether the server lives and whether it would answer: what Kubernetes, KServe and balancers ask. Needs no token.
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ServeContext } from '../context.js';
import { MODEL_NAME } from '../open-inference/index.js';
import { noSuch, RETRY_SECONDS } from '../refusal.js';

const tags = ['health'];
const health = { type: 'object', additionalProperties: true } as const;
const response = { 200: health, 503: { ...health, description: 'Not yet, or no longer' } };

export async function healthRoutes(app: FastifyInstance, { isReady, model }: ServeContext): Promise<void> {
  app.get('/v2/health/live', {
    schema: { summary: 'Whether the process answers at all', tags, response: { 200: health } },
    handler: async () => ({ live: true }),
  });
  app.get('/v2/health/ready', {
    schema: { summary: 'Whether a request would be answered', tags, response },
    // The specification names it `live` here, too; KServe's client reads `ready`.
    handler: async (_request, reply) => answer(reply, { live: true, ready: isReady() }),
  });
  for (const url of ['/v2/models/:name/ready', '/v2/models/:name/versions/:version/ready'])
    app.get<{ Params: { name: string; version?: string } }>(url, {
      schema: { summary: 'Whether the model would answer', tags, response },
      handler: async ({ params: { name, version } }, reply) => {
        const isLoaded =
          model.isLoaded && (version ?? model.classifier.info.version) === model.classifier.info.version;
        if (name !== MODEL_NAME || (model.isLoaded && !isLoaded)) throw noSuch('such model');
        return answer(reply, { name, ready: isReady() });
      },
    });
}

function answer<Body extends { ready: boolean }>(reply: FastifyReply, body: Body): Body {
  if (!body.ready) reply.code(503).header('retry-after', RETRY_SECONDS);
  return body;
}
