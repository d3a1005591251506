// Owns what a request for a classification passes before its body is read: it is refused at once where it would only wait in vain,
// and has an end: its deadline, or its client's leaving.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BodyShare } from './body.js';
import type { ServeContext } from './context.js';
import { clientGone, queueFull, tooLate } from './refusal.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a classification; null for others. */
    ticket: Ticket | null;
  }
}

/** What a request for a classification has until it is answered. */
export interface Ticket {
  /** Aborted by its deadline and by its client's leaving; the reason is a `Refusal`. */
  readonly signal: AbortSignal;
  /** What its body takes of the memory for all. */
  readonly share: BodyShare;
}

/**
 * A hook for `onRequest`, to be made once for all routes of a server. As many requests are inside as images may wait: each has one at
 * least. Nor does one come in while those that have sent theirs keep the model busy for longer than it may wait. Throws a `Refusal`.
 */
export function makeDoor({ settings, model, budget }: Pick<ServeContext, 'settings' | 'model' | 'budget'>) {
  const { deadlineMs, maxWaitMs } = settings;
  // Made once: thrown thousands of times a second where there is more than can be answered, an error takes longer to make than to answer.
  const full = queueFull('every place taken');
  const slow = queueFull(`a wait of more than ${maxWaitMs} ms`);
  let inside = 0;
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const { pending, maxQueue, expectedWaitMs } = model.classifier; // refuses, where there is none
    if (Math.max(pending, inside) >= maxQueue) throw full;
    if (expectedWaitMs > maxWaitMs) throw slow;
    inside++;
    const controller = new AbortController();
    const share = new BodyShare(budget);
    const timer = setTimeout(() => controller.abort(tooLate(deadlineMs)), deadlineMs);
    reply.raw.once('close', () => {
      inside--;
      clearTimeout(timer);
      share.release();
      if (!reply.raw.writableFinished) controller.abort(clientGone());
    });
    request.ticket = { signal: controller.signal, share };
  };
}

/** Of a request that has passed the door. */
export function ticketOf({ ticket }: FastifyRequest): Ticket {
  if (ticket === null) throw new Error('unreachable: a route without its door');
  return ticket;
}
