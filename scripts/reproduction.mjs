// Owns what several runs of one experiment come to: a row of a table, with mean accuracies and median times. Must not run or read anything.

import { deviation, mean, median } from './statistics.mjs';

/** Figures that are averaged over the runs; one that a run lacks, such as accuracy with TTA, is null. */
const FIGURES = [
  'accuracy',
  'ttaAccuracy',
  'crossEntropy',
  'durationSeconds',
  'trainSeconds',
  'testSeconds',
  'imagesPerSecond',
];

/** Mean, deviation and median of each figure over the runs. */
export function summarize(runs) {
  return Object.fromEntries(FIGURES.map((figure) => [figure, spread(runs.map((run) => run[figure]))]));
}

function spread(values) {
  const isWhole = values.length > 0 && values.every((value) => typeof value === 'number');
  return isWhole ? { mean: mean(values), deviation: deviation(values), median: median(values) } : null;
}

const COLUMNS = [
  'experiment',
  'runs',
  'test accuracy',
  'with TTA',
  'time',
  'images/s',
  'hardware',
  'software',
  'date',
];

/** Head and row as Markdown. */
export function markdownTable(reproduction) {
  const lines = [COLUMNS, COLUMNS.map(() => '---'), cells(reproduction)];
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function cells({ experiment, overrides, runs, figures, hardware, versions, date }) {
  return [
    [experiment, ...overrides].map((text) => `\`${text.replaceAll('|', '\\|')}\``).join(' '),
    String(runs.length),
    percent(figures.accuracy),
    percent(figures.ttaAccuracy),
    duration(figures.durationSeconds.median),
    Math.round(figures.imagesPerSecond.median).toLocaleString('en'),
    hardware,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    date,
  ];
}

/** 0.94013 ± 0.0012 as `94.01 ± 0.12 %`. */
function percent(figure) {
  if (figure === null) return '–';
  const text = (fraction) => (100 * fraction).toFixed(2);
  const range = figure.deviation === null ? '' : ` ± ${text(figure.deviation)}`;
  return `${text(figure.mean)}${range} %`;
}

/** 4.21 as `4.2 s`, 131 as `2.2 min`, 7800 as `2.2 h`. */
function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
