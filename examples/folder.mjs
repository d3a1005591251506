// Classifies the images of a folder as they come, in bounded memory: node folder.mjs <checkpoint> <folder>
import { infer } from 'cifar10-torch';

const [checkpoint, testDir] = process.argv.slice(2);
for await (const record of infer({ checkpoint, testDir, topK: 1 })) console.log(JSON.stringify(record));
