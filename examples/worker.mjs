// Classifies an image from a worker thread: node worker.mjs <checkpoint> <image>
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { predict } from 'cifar10-torch';

if (isMainThread) {
  const [checkpoint, image] = process.argv.slice(2);
  const worker = new Worker(new URL(import.meta.url), { workerData: { checkpoint, image } });
  worker.once('message', ({ label, probability }) => console.log(label, probability.toFixed(3)));
} else {
  const { checkpoint, image } = workerData;
  const [prediction] = await predict(image, { checkpoint });
  parentPort.postMessage(prediction);
}
