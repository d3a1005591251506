// A classifier in a Fastify server of your own (`npm install fastify`): node fastify-server.mjs <checkpoint> [port]
// Where nothing of yours is to be in it, `npx cifar10-torch serve` does this and more.
// curl --data-binary @photo.jpg localhost:8080
import { Cifar10Error, Classifier } from 'cifar10-torch';
import fastify from 'fastify';

const [checkpoint, port = '8080'] = process.argv.slice(2);
// A checkpoint that cannot be used is found out now, not by the first client.
const classifier = await Classifier.load(checkpoint);

const app = fastify({
  bodyLimit: 8 * 1024 * 1024,
  requestTimeout: 30_000,
  logger: { level: 'warn', stream: process.stderr },
});
// What the body is, its bytes say; what a client calls it does not count.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/', async ({ body }) => {
  const [prediction] = await classifier.classify(body ?? Buffer.alloc(0));
  return prediction;
});
app.get('/health', async () => ({ status: 'ok' }));

app.setErrorHandler(async (error, request, reply) => {
  if (error instanceof Cifar10Error && error.code === 'IMAGE_INVALID')
    return reply.code(400).send({ error: error.message });
  if (error instanceof Cifar10Error && error.code === 'QUEUE_FULL')
    return reply.code(503).header('retry-after', '1').send({ error: error.message });
  // A client that is still sending would see a broken connection, not the 413. Nothing is kept.
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') for await (const _ of request.raw);
  // Fastify's own.
  if (error.statusCode < 500) return reply.code(error.statusCode).send({ error: error.message });
  request.log.error(error);
  return reply.code(500).send({ error: 'the image could not be classified' });
});

app.addHook('onClose', () => classifier.close());
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close()); // after the answers under way
console.log(await app.listen({ host: '127.0.0.1', port: Number(port) }));
