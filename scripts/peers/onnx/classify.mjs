// One side of scripts/bench-onnx.mjs: classifies batches of the sample's test images, prints a JSON line with the median seconds of each
// batch size (the first tenth left out) and the log-probabilities of sixteen images.
// Its argument: {onnx and normalization | checkpoint and precision, threads, runs: {batch size: number of runs}}. Both sides get what they take as a
// program has it: onnxruntime normalized floats, this package's Classifier raw pixels.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckpoint } from '../../../dist/lib/checkpoint/index.js';
import { Classifier } from '../../../dist/lib/index.js';
import { PACKAGE_ROOT } from '../../../dist/lib/package-root.js';
import { median } from '../../statistics.mjs';

const PIXELS = 3 * 1024;
const COMPARED = 16;

const request = JSON.parse(process.argv[2]);

/** uint8 [count,3,32,32] */
function readPixels(count) {
  const records = readFileSync(join(PACKAGE_ROOT, 'lib/dataset/sample/test.bin'));
  const pixels = new Uint8Array(count * PIXELS);
  for (let i = 0; i < count; i++)
    pixels.set(records.subarray(i * (PIXELS + 1) + 1, (i + 1) * (PIXELS + 1)), i * PIXELS);
  return pixels;
}

async function openOnnx({ onnx, normalization: { mean, std }, threads }) {
  const { default: runtime } = await import('onnxruntime-node');
  const session = await runtime.InferenceSession.create(onnx, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const prepare = (count) => {
    const floats = Float32Array.from(readPixels(count), (value, index) => {
      const channel = Math.floor(index / 1024) % 3;
      return (value / 255 - mean[channel]) / std[channel];
    });
    return { images: new runtime.Tensor('float32', floats, [count, 3, 32, 32]) };
  };
  const classify = async (images) => (await session.run(images)).logits.data;
  return { facts: { version: runtime.env.versions.node }, prepare, classify };
}

async function openOurs({ checkpoint, precision: dtype, threads, runs }) {
  const maxBatch = Math.max(COMPARED, ...Object.keys(runs).map(Number));
  const classifier = await Classifier.load(checkpoint, { device: 'cpu', dtype, threads, maxBatch });
  const { meta } = await readCheckpoint(checkpoint);
  const prepare = (count) => {
    const planes = readPixels(count);
    const pixels = (image) =>
      Uint8Array.from(
        { length: PIXELS },
        (_, i) => planes[image * PIXELS + (i % 3) * 1024 + Math.floor(i / 3)],
      );
    return Array.from({ length: count }, (_, image) => ({
      data: pixels(image),
      width: 32,
      height: 32,
      channels: 3,
    }));
  };
  const classify = async (images) => {
    const probabilities = await classifier.probabilities(images);
    return Float32Array.from(
      probabilities.flatMap((each) => [...each]),
      Math.log,
    );
  };
  const { net: model } = classifier.info;
  return { facts: { model, normalization: meta.normalization }, prepare, classify };
}

async function medianSeconds({ prepare, classify }, count, runs) {
  const images = prepare(count);
  const seconds = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    await classify(images);
    seconds.push((performance.now() - started) / 1000);
  }
  return median(seconds.slice(Math.ceil(runs / 10)));
}

function logSoftmax(logits) {
  return Array.from(logits, (logit, index) => {
    const row = logits.subarray(10 * Math.floor(index / 10), 10 * Math.floor(index / 10) + 10);
    return logit - Math.log(row.reduce((sum, each) => sum + Math.exp(each), 0));
  });
}

const side = await (request.onnx ? openOnnx(request) : openOurs(request));
const seconds = {};
for (const [count, runs] of Object.entries(request.runs))
  seconds[count] = await medianSeconds(side, Number(count), runs);
const logProbabilities = logSoftmax(await side.classify(side.prepare(COMPARED)));
process.stdout.write(`${JSON.stringify({ ...side.facts, seconds, logProbabilities })}\n`);
