// Classifies image files: node classify.mjs <checkpoint> <image> …
import { Cifar10Error, predict } from 'cifar10-torch';

const [checkpoint, ...images] = process.argv.slice(2);
for (const image of images) {
  try {
    const [prediction] = await predict(image, { checkpoint, topK: 3 });
    const classes = prediction.topK.map(
      ({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`,
    );
    console.log(`${image}: ${classes.join(', ')}`);
  } catch (error) {
    // Codes are stable: a program may decide by them.
    if (!(error instanceof Cifar10Error) || error.code !== 'IMAGE_INVALID') throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
