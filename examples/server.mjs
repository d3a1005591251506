// Classifies what is posted to it, with Node.js alone: node server.mjs <checkpoint> [port]
// curl --data-binary @photo.jpg localhost:8080
import { createServer } from 'node:http';
import { Cifar10Error, Classifier } from 'cifar10-torch';

const [checkpoint, port = '8080'] = process.argv.slice(2);
const MAX_BYTES = 8 * 1024 * 1024;

/** Counts the bytes as they arrive: what a client announces is not to be trusted. What is too much is not kept. */
async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BYTES) chunks.push(chunk);
  }
  return bytes <= MAX_BYTES ? Buffer.concat(chunks) : undefined;
}

// A checkpoint that cannot be used is found out now, not by the first client.
const classifier = await Classifier.load(checkpoint);

async function answer(request) {
  const image = await readBody(request);
  if (image === undefined) return [413, { error: `at most ${MAX_BYTES} bytes` }];
  try {
    const [prediction] = await classifier.classify(image);
    return [200, prediction];
  } catch (error) {
    if (error instanceof Cifar10Error && error.code === 'IMAGE_INVALID')
      return [400, { error: error.message }];
    if (error instanceof Cifar10Error && error.code === 'QUEUE_FULL') return [503, { error: error.message }];
    console.error(error);
    return [500, { error: 'the image could not be classified' }];
  }
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
});
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => server.close(() => classifier.close())); // after the answers under way
