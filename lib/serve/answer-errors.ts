// Owns answering requests that fail: counts them, logs those that are the server's fault, and sends what the client is told.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.js';
import { describeRefusal, toRefusal } from './refusal.js';

/** An error handler for Fastify. */
export function makeErrorHandler(metrics: Metrics) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const refusal = toRefusal(error);
    metrics.countRejection(refusal.code);
    if (refusal.status === 500) request.log.error({ err: refusal.cause ?? error }, 'a request failed');
    if (refusal.retryAfterSeconds !== undefined) reply.header('retry-after', refusal.retryAfterSeconds);
    if (refusal.status === 401) reply.header('www-authenticate', 'Bearer');
    // The Open Inference Protocol's errors are a text, whatever of it was asked for.
    const isOfProtocol = /^\/v2(?![^/?])/.test(request.url);
    const body = isOfProtocol ? { error: refusal.message } : describeRefusal(refusal);
    // As bytes: the schema of the answer is another, and clients of KServe know the type without a charset only.
    return reply
      .code(refusal.status)
      .header('content-type', 'application/json')
      .send(Buffer.from(JSON.stringify(body)));
  };
}
