// Makes the embedded sample: the first 100 train and the first 50 test images of each class, in file order.
// Usage, after `npm run build:ts`: node scripts/make-sample.mjs [folder of the six .bin files]
// Prints the checksums to write into lib/dataset/facts.ts.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../dist/lib/atomic.js';
import { RECORD_BYTES } from '../dist/lib/dataset/facts.js';
import { CLASS_NAMES, resolveDataset } from '../dist/lib/dataset/index.js';
import { PACKAGE_ROOT } from '../dist/lib/package-root.js';

const TRAIN_IMAGES_PER_CLASS = 100;
const TEST_IMAGES_PER_CLASS = 50;

function firstOfEachClass(paths, imagesPerClass) {
  const taken = new Array(CLASS_NAMES.length).fill(0);
  const records = [];
  for (const path of paths) {
    const batch = readFileSync(path);
    for (let start = 0; start < batch.length; start += RECORD_BYTES) {
      const label = batch[start];
      if (taken[label]++ < imagesPerClass) records.push(batch.subarray(start, start + RECORD_BYTES));
    }
  }
  return Buffer.concat(records);
}

async function writeSample(name, content) {
  await writeFileAtomic(join(PACKAGE_ROOT, 'lib', 'dataset', 'sample', name), [content]);
  const md5 = createHash('md5').update(content).digest('hex');
  console.log(`${name}: ${content.length / RECORD_BYTES} images, md5 ${md5}`);
}

const { train, test } = await resolveDataset({ source: 'cifar10', dataDir: process.argv[2] ?? null });
await writeSample('train.bin', firstOfEachClass(train, TRAIN_IMAGES_PER_CLASS));
await writeSample('test.bin', firstOfEachClass(test, TEST_IMAGES_PER_CLASS));
