// Owns answering requests that fail: counts them, logs those that are the server's fault, and sends what the client is told.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServeContext } from './context.js';
import { describeRefusal, type Refusal, toRefusal } from './refusal.js';

type Handler = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** An error handler for Fastify. `describe`: the body of the answer. */
export function makeErrorHandler(
  { metrics }: ServeContext,
  describe: (refusal: Refusal) => object = describeRefusal,
): Handler {
  return (error, request, reply) => {
    const refusal = toRefusal(error);
    metrics.countRejection(refusal.code);
    if (refusal.status === 500) request.log.error({ err: refusal.cause ?? error }, 'a request failed');
    if (refusal.retryAfterSeconds !== undefined) reply.header('retry-after', refusal.retryAfterSeconds);
    if (refusal.status === 401) reply.header('www-authenticate', 'Bearer');
    // As bytes: the schema of the answer is another, and clients of KServe know the type without a charset only.
    const body = Buffer.from(JSON.stringify(describe(refusal)));
    return reply.code(refusal.status).header('content-type', 'application/json').send(body);
  };
}
