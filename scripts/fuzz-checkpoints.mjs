// Changes a checkpoint, finished or the state of a stopped training, in random ways and reads it: what is not exactly what it claims to be must be refused, with a coded
// error, at once. Usage, after `npm run build`: node scripts/fuzz-checkpoints.mjs [--runs 100000] [--seed <n>]
// A file that breaks a rule is made as small as it goes, printed with the seed that leads to it, and ends this with exit code 1.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { HASH_KEY, sealChunks, UNKNOWN_HASH } from '../dist/lib/checkpoint/content-hash.js';
import { readCheckpoint } from '../dist/lib/checkpoint/index.js';
import { Cifar10Error, train } from '../dist/lib/index.js';
import { assertOfModel } from '../dist/lib/model.js';
import { loadNative } from '../dist/lib/native.js';

const REFUSALS = new Set(['CHECKPOINT_INVALID', 'CHECKPOINT_MISMATCH']);
const MAX_MS = 2000;
const PREFIX = 8;

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string' } },
});

/** A place in a file of any length, as a share of it. */
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const bytes = fc.uint8Array({ minLength: 1, maxLength: 16 });

/** Changes of bytes, wherever they stand. */
const byteEdit = fc.oneof(
  fc.record({ kind: fc.constant('set'), at: place, bytes }),
  fc.record({ kind: fc.constant('flip'), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('insert'), at: place, bytes }),
  fc.record({ kind: fc.constant('remove'), at: place, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({ kind: fc.constant('cut'), at: place }),
  fc.record({ kind: fc.constant('headerLength'), length: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
);

/** Changes of the header that leave it JSON. */
const headerEdit = fc.record({
  kind: fc.constantFrom('replace', 'remove', 'rename', 'copy'),
  path: fc.array(place, { minLength: 1, maxLength: 3 }),
  value: fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom('F32', 'F64', 'I64', [1], [0, 4], 1e308, -0)),
  name: fc.string(),
});

const mutation = fc.record({
  kind: fc.constantFrom('finished', 'state'),
  header: fc.array(headerEdit, { maxLength: 2 }),
  bytes: fc.array(byteEdit, { maxLength: 3 }),
  // Whoever wants to deceive computes the hash anew.
  isSealed: fc.boolean(),
});

function headerEnd(file) {
  return PREFIX + Number(file.readBigUInt64LE());
}

function withHeader(file, header) {
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([prefix, padded, file.subarray(headerEnd(file))]);
}

function editHeader(file, edits) {
  if (edits.length === 0) return file;
  const header = JSON.parse(file.subarray(PREFIX, headerEnd(file)).toString());
  for (const { kind, path, value, name } of edits) {
    let parent = header;
    let key;
    for (const share of path) {
      if (key !== undefined) {
        if (typeof parent[key] !== 'object' || parent[key] === null) break;
        parent = parent[key];
      }
      const keys = Object.keys(parent);
      key = keys[Math.floor(share * keys.length)];
      if (key === undefined) break;
    }
    if (key === undefined) continue;
    if (kind === 'replace') parent[key] = value;
    else if (kind === 'copy') parent[name] = parent[key];
    else if (kind === 'rename') parent[name] = parent[key];
    if (kind === 'remove' || kind === 'rename') delete parent[key];
  }
  return withHeader(file, header);
}

function editBytes(file, edits) {
  let result = Buffer.from(file);
  for (const edit of edits) {
    const at = Math.floor((edit.at ?? 0) * result.length);
    if (edit.kind === 'set') result.set(edit.bytes.subarray(0, result.length - at), at);
    else if (edit.kind === 'flip' && result.length > 0) result[at] ^= 1 << edit.bit;
    else if (edit.kind === 'insert')
      result = Buffer.concat([result.subarray(0, at), edit.bytes, result.subarray(at)]);
    else if (edit.kind === 'remove')
      result = Buffer.concat([result.subarray(0, at), result.subarray(at + edit.length)]);
    else if (edit.kind === 'cut') result = result.subarray(0, at);
    else if (edit.kind === 'headerLength' && result.length >= PREFIX) result.writeBigUInt64LE(edit.length);
  }
  return result;
}

/** With the hash that belongs to it, where there is a place for one. */
async function seal(file) {
  const opened = Buffer.from(
    file
      .toString('latin1')
      .replace(new RegExp(`"${HASH_KEY}":"[0-9a-f]{64}"`), `"${HASH_KEY}":"${UNKNOWN_HASH}"`),
    'latin1',
  );
  await sealChunks([opened]).catch(() => undefined);
  return opened;
}

/** What is accepted must be what the file says: every tensor the bytes at its offsets. */
function isHonest(file, { tensors, extra }) {
  const { __metadata__: _, ...entries } = JSON.parse(file.subarray(PREFIX, headerEnd(file)).toString());
  const data = file.subarray(headerEnd(file));
  const all = [...tensors, ...extra];
  return (
    all.length === Object.keys(entries).length &&
    all.every(([name, tensor]) => {
      const { dtype, shape, data_offsets: offsets } = entries[name];
      const isSame = dtype === tensor.dtype && JSON.stringify(shape) === JSON.stringify(tensor.shape);
      return isSame && data.subarray(...offsets).equals(tensor.data);
    })
  );
}

const NET = ['data_loading=sample', 'model=cnn', 'model.widths=[4]', 'model.convs_per_stage=1'];

async function finishedCheckpoint(folder) {
  const short = ['training=standard', 'training.epochs=0.1', `output_dir=${folder}/finished`];
  const { checkpoint } = await train({ overrides: [...NET, ...short] });
  return readFileSync(checkpoint);
}

/** Of a training that was stopped in an epoch: with momentum, averages and the weights of a best epoch. */
async function stateOfStopped(folder) {
  const kept = ['training.ema_decay=0.9', 'training.select=best_val_loss', 'data_loading.validation=0.2'];
  const controller = new AbortController();
  const run = train({
    overrides: [...NET, 'training=standard', ...kept, `output_dir=${folder}/stopped`],
    signal: controller.signal,
  });
  const stopped = run.then(
    () => Promise.reject(new Error('it came to its end')),
    (error) => error.checkpoint,
  );
  let isJudged = false;
  for await (const event of run) {
    isJudged ||= event.type === 'epoch';
    if (isJudged && event.type === 'step') break;
  }
  controller.abort();
  return readFileSync(await stopped);
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'cifar10-torch-fuzz-'));
  const originals = { finished: await finishedCheckpoint(folder), state: await stateOfStopped(folder) };
  const native = loadNative();
  const path = join(folder, 'mutated.safetensors');
  const counts = { accepted: 0, refused: 0 };
  const property = fc.asyncProperty(mutation, async ({ kind, header, bytes: edits, isSealed }) => {
    const original = originals[kind];
    const edited = editBytes(editHeader(original, header), edits);
    const file = isSealed ? await seal(edited) : edited;
    writeFileSync(path, file);
    const startedMs = performance.now();
    try {
      const read = await readCheckpoint(path, (head) => assertOfModel(path, head, native));
      counts.accepted += 1;
      if (!isSealed && !file.equals(original)) throw new Error('accepted, though it is another file');
      if (!isHonest(file, read)) throw new Error('accepted as something else than it is');
    } catch (error) {
      if (!(error instanceof Cifar10Error) || !REFUSALS.has(error.code)) throw error;
      counts.refused += 1;
    }
    if (performance.now() - startedMs > MAX_MS) throw new Error(`took more than ${MAX_MS} ms`);
  });
  const startedMs = performance.now();
  const seed = values.seed === undefined ? {} : { seed: Number(values.seed) };
  try {
    await fc.assert(property, { numRuns: Number(values.runs), ...seed });
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    console.log(
      `${values.runs} files in ${seconds} s: ${counts.refused} refused, ${counts.accepted} accepted`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
