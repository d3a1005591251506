// Owns the Fastify application: its plugins, its routes, and what holds for all requests. Must not load a model nor listen.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import bearerAuth from '@fastify/bearer-auth';
import rateLimit from '@fastify/rate-limit';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { makeErrorHandler } from './answer-errors.js';
import { describeToken, registerDocs } from './api-docs.js';
import type { ServeContext } from './context.js';
import type { Metrics } from './metrics.js';
import type { ServeSettings } from './options.js';
import { CLIENT_GONE, noSuch, Refusal } from './refusal.js';
import { classifyRoutes } from './routes/classify.js';
import { healthRoutes } from './routes/health.js';
import { metricsRoutes } from './routes/metrics.js';
import { openInferenceRoutes } from './routes/open-inference.js';
import { pageRoutes } from './routes/page.js';

const ROUTES = [classifyRoutes, openInferenceRoutes, metricsRoutes];
/** A request that comes more slowly than this is ended. Its deadline ends those that have a body, with an answer. */
const REQUEST_TIMEOUT_MS = 60_000;
/** For the rest of a body that nobody wants. */
const LINGER_MS = 2000;

export async function createApp(context: ServeContext): Promise<FastifyInstance> {
  const { settings } = context;
  const { trustProxy } = settings;
  const answerError = makeErrorHandler(context.metrics);
  const app = fastify({
    logger: loggerOf(settings),
    // One line a request is written here, with its route in place of its address.
    logController: new LogController({ disableRequestLogging: true }),
    // Of X-Forwarded-For the last entry: those before are what the client says itself.
    trustProxy: trustProxy && ((_address, hop) => hop === 0),
    requestTimeout: Math.max(REQUEST_TIMEOUT_MS, settings.deadlineMs),
    forceCloseConnections: 'idle',
    return503OnClosing: false, // what was sent is answered
    ajv: { customOptions: { removeAdditional: false } }, // what is misspelt in a query is told
    frameworkErrors: answerError,
  });
  app.decorateRequest('ticket', null);
  app.setErrorHandler(answerError);
  leaveBodies(app);
  app.setNotFoundHandler(async () => {
    throw noSuch('such address');
  });
  watchRequests(app, context);
  await registerDocs(app, settings.token !== undefined);
  if (settings.rateLimit !== undefined) await limitRate(app, settings.rateLimit);
  await app.register(async (open) => {
    await healthRoutes(open, context);
    await pageRoutes(open);
  });
  // Each in a scope of its own: they read bodies in different ways.
  for (const routes of ROUTES)
    await app.register(async (scope) => {
      if (settings.token !== undefined) await demandToken(scope, settings.token);
      await routes(scope, context);
    });
  await app.ready();
  return app;
}

function loggerOf({ logLevel, logStream = process.stdout }: ServeSettings) {
  return logLevel !== 'silent' && { level: logLevel, stream: logStream };
}

/**
 * To the routes, as streams. When a parser fails, Fastify closes the connection: a client that still sends would find it
 * broken, and no answer.
 */
function leaveBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (_request: FastifyRequest, payload: IncomingMessage) => payload);
}

function watchRequests(app: FastifyInstance, { metrics, isDraining }: ServeContext): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    // Also comes where the client has gone, unlike `onResponse`.
    reply.raw.once('close', () => record(request, reply, metrics));
  });
  app.addHook('onSend', async ({ raw }, reply) => {
    if (isDraining()) reply.header('connection', 'close'); // clients that keep theirs go elsewhere
    const isLast = reply.getHeader('connection') === 'close' || !reply.raw.shouldKeepAlive;
    if (isLast && !raw.complete) await passOver(raw);
  });
}

function record(request: FastifyRequest, reply: FastifyReply, metrics: Metrics): void {
  const { method, routeOptions } = request;
  const route = routeOptions.url ?? 'none';
  const status = reply.raw.writableFinished ? reply.statusCode : CLIENT_GONE;
  metrics.countRequest(method, route, status, reply.elapsedTime);
  const level = status >= 500 && status !== 503 ? 'warn' : 'info';
  request.log[level]({ method, route, status, ms: Number(reply.elapsedTime.toFixed(3)) }, 'request');
}

/** The rest of a body, before the connection is closed: a client that still sends would find it broken, and no answer. */
async function passOver(body: IncomingMessage): Promise<void> {
  body.resume();
  await once(body, 'close', { signal: AbortSignal.timeout(LINGER_MS) }).catch(() => {});
}

async function limitRate(app: FastifyInstance, requestsPerSecond: number): Promise<void> {
  await app.register(rateLimit, {
    global: false,
    max: requestsPerSecond,
    timeWindow: 1000,
    // Health, figures and the page cost nothing.
    allowList: ({ method }: FastifyRequest) => method !== 'POST',
    errorResponseBuilder: (_request, { max, ttl }) =>
      new Refusal(
        429,
        'RATE_LIMITED',
        {
          what: 'too many requests from this address',
          expected: `at most ${max} a second`,
          nextStep: 'send several images in one request, or try again a little later',
        },
        { retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)) },
      ),
  });
  // Before tokens are looked at: guesses are counted, too.
  app.addHook('onRequest', app.rateLimit());
}

async function demandToken(scope: FastifyInstance, token: string): Promise<void> {
  describeToken(scope);
  // The plugin compares in constant time; the error handler answers, in the form of the scope.
  await scope.register(bearerAuth, { keys: [token], addHook: false, verifyErrorLogLevel: 'debug' });
  if (scope.verifyBearerAuth) scope.addHook('onRequest', scope.verifyBearerAuth);
}
