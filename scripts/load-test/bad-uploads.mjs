// Sends hundreds of uploads that are no pictures, of ten kinds, sixteen at a time: each must be answered by a 4xx, memory must stay, and
// the next good picture must be classified.
// Usage, after `npm run build`: node scripts/load-test/bad-uploads.mjs [checkpoint] [--rounds 500]; exit code 1 if anything is otherwise.
import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import pMap from 'p-map';
import { main } from './arguments.mjs';
import { pngPictures } from './pictures.mjs';
import { startServer } from './server-process.mjs';

const MIB = 2 ** 20;
const FORM = 'multipart/form-data; boundary=b';
const [png] = await pngPictures(1);

/** A PNG whose header promises other pixels than it has. */
function withSize(width, height) {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

const KINDS = {
  'no bytes': () => ({ body: Buffer.alloc(0) }),
  'a text': () => ({ body: Buffer.from('this is no picture') }),
  'random bytes': () => ({ body: randomBytes(5000) }),
  'random bytes behind a PNG signature': () => ({
    body: Buffer.concat([png.subarray(0, 8), randomBytes(5000)]),
  }),
  'a picture that is cut off': (n) => ({ body: png.subarray(0, 33 + (n % (png.length - 60))) }),
  'a promise of 65,535 x 65,535 pixels': () => ({ body: withSize(65_535, 65_535) }),
  'a picture of another format': () => ({ body: Buffer.from('GIF89a\x01\0\x01\0\0\0\0;', 'latin1') }),
  'zeros, compressed a thousandfold': () => ({ body: deflateSync(Buffer.alloc(4 * MIB)) }),
  'more than 8 MiB': () => ({ body: Buffer.alloc(9 * MIB) }),
  'a form that is cut off': () => ({
    body: Buffer.from('--b\r\nContent-Disposition: form-data; name="a"'),
    type: FORM,
  }),
};

async function send(url, { body, type = 'image/png' }) {
  const answer = await fetch(`${url}/v1/classify`, {
    method: 'POST',
    body,
    headers: { 'content-type': type },
  });
  return { status: answer.status, answer: await answer.json() };
}

await main('bad-uploads', { rounds: 500, seconds: 1 }, async ({ checkpoint, rounds: uploads }) => {
  const server = await startServer(checkpoint);
  const names = Object.keys(KINDS);
  const wrong = [];
  const counts = {};
  const upload = async (n) => {
    const name = names[n % names.length];
    const { status, answer } = await send(server.url, KINDS[name](n));
    counts[`${status} ${answer.error?.code}`] = (counts[`${status} ${answer.error?.code}`] ?? 0) + 1;
    if (status < 400 || status > 499) wrong.push(`${name}: ${status} ${JSON.stringify(answer)}`);
  };
  const all = (count) => pMap(Array.from({ length: count }).keys(), upload, { concurrency: 16 });
  await all(Math.ceil(uploads / 2));
  const middleBytes = server.memoryBytes();
  await all(Math.floor(uploads / 2));
  const endBytes = server.memoryBytes();
  const good = await send(server.url, { body: png });
  await server.stop();

  for (const [answer, count] of Object.entries(counts)) process.stdout.write(`${count} times ${answer}\n`);
  process.stdout.write(
    `memory: ${(middleBytes / MIB).toFixed(0)} MiB in the middle, ${(endBytes / MIB).toFixed(0)} MiB at the end\n`,
  );
  process.stdout.write(`a good picture then: ${good.status} ${good.answer.predictions?.[0]?.label}\n`);
  if (good.status !== 200) wrong.push('the good picture');
  if (endBytes > 1.2 * middleBytes) wrong.push('the memory, which grew by more than a fifth');
  for (const each of wrong) process.stderr.write(`not as it should be: ${each}\n`);
  if (wrong.length > 0) process.exitCode = 1;
});
