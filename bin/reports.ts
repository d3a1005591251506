// Owns the human form of a training's and an evaluation's result. Pure: text in 80 columns.
import type { EvaluateResult, LabelledEvaluation, TrainingStopped, TrainResult } from '../lib/index.js';
import { count, counted, duration, percent, percentOrDash, shellWord, shortPath } from './format.js';
import { columns, table } from './table.js';

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
    ...(result.hasEndedEarly ? [['', 'ended early: nothing improved any more']] : []),
    ...(result.bestEpoch === null
      ? []
      : [['weights of', `epoch ${result.bestEpoch}, the best in validation`]]),
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
  return [overallFigures(result), '', figuresByClass(result)].join('\n');
}

/** The same of images with true labels, as far as their most probable classes tell. */
export function describeLabelled(result: LabelledEvaluation, failed: number): string {
  const overall = table([
    ['labelled images', count(result.imageCount)],
    ...(failed > 0 ? [['not classified', count(failed)]] : []),
    ['accuracy', percent(result.accuracy)],
  ]);
  return [overall, '', figuresByClass(result)].join('\n');
}

function figuresByClass(result: LabelledEvaluation): string {
  return [
    classFigures(result),
    '',
    'Confusion matrix (row: true class, column: predicted class)',
    confusionMatrix(result),
  ].join('\n');
}

function overallFigures(result: EvaluateResult): string {
  const { topKAccuracy, ttaAccuracy, ttaCrossEntropy, ttaExpectedCalibrationError } = result;
  const augmented = (value: number | undefined, write: (value: number) => string) =>
    value === undefined ? [] : [['  augmented (TTA)', write(value)]];
  const nats = (value: number) => value.toFixed(4);
  return table([
    ['test images', count(result.imageCount)],
    ['accuracy', percent(result.accuracy)],
    ...augmented(ttaAccuracy, percent),
    ...Object.entries(topKAccuracy).map(([k, value]) => [`top-${k} accuracy`, percent(value)]),
    ['cross-entropy', nats(result.crossEntropy)],
    ...augmented(ttaCrossEntropy, nats),
    ['calibration error', percent(result.expectedCalibrationError)],
    ...augmented(ttaExpectedCalibrationError, percent),
  ]);
}

function classFigures(result: LabelledEvaluation): string {
  const { perClassPrecision, perClassAccuracy, perClassF1, confusionMatrix, classNames } = result;
  const row = (name: string, figures: readonly (number | undefined)[], images: number) => [
    name,
    ...figures.map(percentOrDash),
    count(images),
  ];
  const rows = classNames.map((name, label) => {
    const images = (confusionMatrix[label] ?? []).reduce((sum, value) => sum + value, 0);
    return row(name, [perClassPrecision[name], perClassAccuracy[name], perClassF1[name]], images);
  });
  const mean = [result.macroPrecision, result.macroRecall, result.macroF1];
  rows.push(row('mean', mean, result.imageCount));
  return columns(['class', 'precision', 'recall', 'F1', 'images'], rows);
}

const CELL_WIDTH = 6;

function confusionMatrix({ confusionMatrix: rows, classNames }: LabelledEvaluation): string {
  const width = Math.max(...classNames.map((name) => name.length));
  const cells = (texts: readonly string[]) => texts.map((text) => text.padStart(CELL_WIDTH)).join('');
  const head = ''.padEnd(width) + cells(classNames.map((name) => name.slice(0, CELL_WIDTH - 1)));
  return [
    head,
    ...rows.map((row, label) => (classNames[label] ?? '').padEnd(width) + cells(row.map(String))),
  ].join('\n');
}
