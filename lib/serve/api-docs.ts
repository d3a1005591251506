// Owns the description of the API at /docs: what is said of all routes, and what is said of bodies, which the routes read themselves.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { VERSION } from '../version.js';
import { errorSchema } from './schemas.js';

/** `hasToken`: whether clients have to send one. To be called before the routes are added. */
export async function registerDocs(app: FastifyInstance, hasToken: boolean): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'cifar10-torch',
        description: 'Classifies images into the ten classes of CIFAR-10.',
        version: VERSION,
      },
      ...(hasToken && { components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } }),
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
}

/** Says of the routes that are added to the scope after this that they need the token. */
export function describeToken(scope: FastifyInstance): void {
  scope.addHook('onRoute', (route) => {
    const unauthorized = { ...errorSchema, description: 'The token is missing or another one' };
    const response = { 200: { description: 'The answer' }, ...(route.schema?.response as object) };
    route.schema = {
      ...route.schema,
      security: [{ token: [] }],
      response: { 401: unauthorized, ...response },
    };
  });
}

/** For the `config` of a route: what its body may be, by content type. A schema of the route would make Fastify check it. */
export function describeBody(content: Readonly<Record<string, object>>) {
  const media = Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));
  return {
    swaggerTransform: ({ schema, url }: { schema: object; url: string }) => ({
      schema: { ...schema, body: { content: media } },
      url,
    }),
  };
}
