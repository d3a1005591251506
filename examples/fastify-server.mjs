// Classifies what is posted to it, with Fastify (`npm install fastify`): node fastify-server.mjs <checkpoint> [port]
// curl --data-binary @photo.jpg localhost:8080
import { Cifar10Error, predict } from 'cifar10-torch';
import fastify from 'fastify';

const [checkpoint, port = process.env.PORT ?? '8080'] = process.argv.slice(2);
const host = process.env.HOST ?? '127.0.0.1'; // in a container: 0.0.0.0

const app = fastify({
  bodyLimit: 8 * 1024 * 1024,
  requestTimeout: 30_000,
  logger: { level: 'warn', stream: process.stderr },
});
// What the body is, its bytes say; what a client calls it does not count.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/', async ({ body }) => {
  const [prediction] = await predict(body ?? Buffer.alloc(0), { checkpoint });
  return prediction;
});
app.get('/health', async () => ({ status: 'ok' }));

app.setErrorHandler(async (error, request, reply) => {
  if (error instanceof Cifar10Error && error.code === 'IMAGE_INVALID')
    return reply.code(400).send({ error: error.message });
  // A client that is still sending would see a broken connection, not the 413. Nothing is kept.
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') for await (const _ of request.raw);
  // Fastify's own.
  if (error.statusCode < 500) return reply.code(error.statusCode).send({ error: error.message });
  request.log.error(error);
  return reply.code(500).send({ error: 'the image could not be classified' });
});

// A checkpoint that cannot be used is found out now, not by the first client.
await predict({ data: new Uint8Array(32 * 32 * 3), width: 32, height: 32, channels: 3 }, { checkpoint });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close()); // after the answers under way
console.log(await app.listen({ host, port: Number(port) }));
