// Owns the page at `/`, where a person tries the model: static files, which may load nothing from elsewhere.
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { PACKAGE_ROOT } from '../../package-root.js';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "media-src 'self' blob:",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export async function pageRoutes(app: FastifyInstance): Promise<void> {
  await app.register(fastifyStatic, {
    root: join(PACKAGE_ROOT, 'lib/serve/page'),
    wildcard: false, // the files there are, and no others
    globIgnore: ['tsconfig.json'],
    cacheControl: false,
    setHeaders: (reply) => {
      reply.header('cache-control', 'no-cache'); // asked for anew, sent only when changed
      reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
      reply.header('permissions-policy', 'camera=(self)');
    },
  });
}
