// Owns what the routes of one server share.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyBudget } from './body.js';
import type { Metrics } from './metrics.js';
import type { ServeSettings } from './options.js';
import type { ServedModel } from './served-model.js';

export interface ServeContext {
  readonly settings: ServeSettings;
  readonly model: ServedModel;
  readonly metrics: Metrics;
  readonly budget: BodyBudget;
  /** What requests for a classification pass: one for all routes, because it counts them. */
  readonly door: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  /** Whether a request would be answered: loaded, and not about to end. */
  readonly isReady: () => boolean;
  /** Whether it is about to end: what comes is answered, and its sender should not come again. */
  readonly isDraining: () => boolean;
}
