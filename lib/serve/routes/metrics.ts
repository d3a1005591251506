// Owns `GET /metrics`, which Prometheus reads.
import type { FastifyInstance } from 'fastify';
import type { ServeContext } from '../context.js';

export async function metricsRoutes(app: FastifyInstance, { metrics }: ServeContext): Promise<void> {
  app.get('/metrics', {
    schema: { summary: 'Figures for Prometheus', tags: ['health'], produces: ['text/plain'] },
    handler: async (_request, reply) =>
      reply.header('content-type', metrics.contentType).send(await metrics.text()),
  });
}
