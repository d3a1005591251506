// Calls a Classifier from as many loops as its argument says, each with one picture at a time, and prints what `load` of http-load.mjs
// tells, as JSON. A process of its own: {checkpoint, connections, seconds, maxBatch}.
import { Classifier } from '../../dist/lib/index.js';
import { describe } from './http-load.mjs';
import { pngPictures } from './pictures.mjs';

const { checkpoint, connections, seconds, maxBatch } = JSON.parse(process.argv[2]);
const pictures = await pngPictures(100);
const classifier = await Classifier.load(checkpoint, { maxBatch });
await classifier.classify(pictures);

const times = [];
let sent = 0;
const began = performance.now();
const isOver = () => performance.now() - began > seconds * 1000;
async function caller() {
  while (!isOver()) {
    const started = performance.now();
    await classifier.classify(pictures[sent++ % pictures.length]);
    times.push(performance.now() - started);
  }
}
await Promise.all(Array.from({ length: connections }, caller));
const elapsed = (performance.now() - began) / 1000;
await classifier.close();
process.stdout.write(JSON.stringify({ seconds: elapsed, byStatus: { 200: describe(times) }, errors: 0 }));
