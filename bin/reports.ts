// Owns the human form of a training's and an evaluation's result. Pure: text in 80 columns.
import type { EvaluateResult, TrainingStopped, TrainResult } from '../lib/index.js';
import { count, counted, duration, percent, shellWord, shortPath } from './format.js';
import { table } from './table.js';

/** What was reached, where it lies, what to run next. */
export function describeTraining(result: TrainResult): string {
  const { model, epochs, steps, seed, test, durationSeconds, imagesPerSecond, config } = result;
  const checkpoint = shellWord(shortPath(result.checkpoint));
  const rows = [
    ['model', `${model}, seed ${seed}`],
    [
      'trained',
      `${counted(epochs, 'epoch')}, ${counted(steps, 'step')}, ${Math.round(imagesPerSecond)} images/s`,
    ],
    ['duration', duration(durationSeconds)],
    ['test accuracy', percent(test.accuracy)],
    ...(test.ttaAccuracy === null ? [] : [['  augmented (TTA)', percent(test.ttaAccuracy)]]),
    ['test cross-entropy', test.crossEntropy.toFixed(4)],
    ['checkpoint', shortPath(result.checkpoint)],
  ];
  const tta = config.training.ttaLevel > 0 ? ` --tta ${config.training.ttaLevel}` : '';
  return [
    table(rows),
    '',
    'Next:',
    `  npx cifar10-torch evaluate --checkpoint ${checkpoint}${tta}`,
    `  npx cifar10-torch infer --test_dir <folder> --checkpoint_name ${checkpoint}`,
  ].join('\n');
}

/** What was saved, how to go on. */
export function describeStop({ step, steps, runDir, checkpoint }: TrainingStopped): string {
  return [
    `stopped after step ${count(step)} of ${count(steps)}`,
    table([
      ['saved', shortPath(checkpoint)],
      ['go on with', `npx cifar10-torch train --resume ${shellWord(shortPath(runDir))}`],
    ]),
  ].join('\n');
}

/** Overall figures, a line for each class, the confusion matrix. */
export function describeEvaluation(result: EvaluateResult): string {
  const { accuracy, crossEntropy, ttaAccuracy, perClassAccuracy, imageCount } = result;
  const classes = Object.entries(perClassAccuracy).map(([name, value]) => [name, percent(value).padStart(8)]);
  return [
    table([
      ['test images', count(imageCount)],
      ['accuracy', percent(accuracy)],
      ...(ttaAccuracy === undefined ? [] : [['  augmented (TTA)', percent(ttaAccuracy)]]),
      ['cross-entropy', crossEntropy.toFixed(4)],
    ]),
    '\nAccuracy of each class',
    table(classes),
    '\nConfusion matrix (row: true class, column: predicted class)',
    confusionMatrix(result),
  ].join('\n');
}

const CELL_WIDTH = 6;

function confusionMatrix({ confusionMatrix: rows, classNames }: EvaluateResult): string {
  const width = Math.max(...classNames.map((name) => name.length));
  const cells = (texts: readonly string[]) => texts.map((text) => text.padStart(CELL_WIDTH)).join('');
  const head = ''.padEnd(width) + cells(classNames.map((name) => name.slice(0, CELL_WIDTH - 1)));
  return [
    head,
    ...rows.map((row, label) => (classNames[label] ?? '').padEnd(width) + cells(row.map(String))),
  ].join('\n');
}
