// Owns the commands `runs`, `runs show` and `runs compare`: what the library finds, as tables. Must not read files itself.
import type { Difference, RunInfo } from '../../lib/index.js';
import { defineCommand, defineGroup } from '../command.js';
import { count, counted, duration, percent, percentOrDash, shellWord, shortPath } from '../format.js';
import { columns, table } from '../table.js';

const DIR_OPTION = {
  dir: {
    type: 'string',
    requiresArg: true,
    describe: 'Folder of the runs; default: output_dir of the configuration',
    group: 'Input:',
  },
} as const;

const listCommand = defineCommand({
  command: ['list', '$0'],
  describe: 'List the runs, the newest last',
  options: DIR_OPTION,
  examples: [
    ['$0 runs', 'Those below outputs/'],
    ['$0 runs --dir experiments', 'Those of another output folder'],
    ['$0 runs show latest', 'One of them'],
    ['$0 runs --json', 'For a script'],
  ],
  epilogue: 'A run that says it is running while its process is gone is "crashed".',
  run: async ({ dir }, { message, printResult }) => {
    const { listRuns } = await import('../../lib/index.js');
    const outputDir = dir ?? (await defaultOutputDir());
    const runs = await listRuns(outputDir, message);
    printResult(runs, () => (runs.length === 0 ? `no runs in "${outputDir}"` : describeRuns(runs)));
  },
});

const RUN_POSITIONAL = {
  type: 'string',
  demandOption: true,
  describe: 'latest, an id or a run folder',
} as const;

const showCommand = defineCommand({
  command: 'show <run>',
  describe: 'Show one run',
  positionals: { run: RUN_POSITIONAL },
  options: DIR_OPTION,
  examples: [
    ['$0 runs show latest', 'The newest run'],
    ['$0 runs show 2026-01-31/09-05-00', 'By its id'],
    ['$0 runs show outputs/2026-01-31/09-05-00 --json', 'By its folder, for a script'],
  ],
  epilogue: 'config.yaml in the run folder, given to `train --config`, repeats the run.',
  run: async ({ run: name, dir }, { printResult }) => {
    const { findRun } = await import('../../lib/index.js');
    const run = await findRun(dir ?? (await defaultOutputDir()), name);
    printResult(run, () => describeRun(run));
  },
});

const compareCommand = defineCommand({
  command: 'compare <a> <b>',
  describe: 'Compare two runs: settings and figures',
  positionals: { a: RUN_POSITIONAL, b: RUN_POSITIONAL },
  options: DIR_OPTION,
  examples: [
    ['$0 runs compare 09-05-00 latest', 'By the end of an id, and the newest'],
    ['$0 runs compare outputs/2026-01-31/09-05-00 latest', 'By the folder of a run'],
    ['$0 runs compare 09-05-00 latest --json', 'The same for a script'],
  ],
  epilogue: 'Of the settings only those that differ are listed.',
  run: async ({ a, b, dir }, { printResult }) => {
    const { compareRuns, findRun } = await import('../../lib/index.js');
    const outputDir = dir ?? (await defaultOutputDir());
    const [runA, runB] = [await findRun(outputDir, a), await findRun(outputDir, b)];
    const comparison = await compareRuns(runA, runB);
    printResult({ a: runA.id, b: runB.id, ...comparison }, () =>
      describeComparison(runA, runB, comparison.config, comparison.metrics),
    );
  },
});

export const runsCommand = defineGroup({
  command: 'runs',
  describe: 'List, show and compare runs',
  commands: [listCommand, showCommand, compareCommand],
});

async function defaultOutputDir(): Promise<string> {
  const { loadConfig } = await import('../../lib/index.js');
  return loadConfig().outputDir;
}

function describeRuns(runs: readonly RunInfo[]): string {
  const rows = runs.map((run) => [
    run.id,
    run.status,
    run.model,
    String(run.epochs),
    percentOrDash(run.test?.accuracy),
    percentOrDash(run.test?.ttaAccuracy),
    duration(run.durationSeconds),
  ]);
  return columns(['run', 'status', 'model', 'epochs', 'accuracy', 'TTA', 'time'], rows);
}

function describeRun(run: RunInfo): string {
  const { test, error } = run;
  const rows: [string, string][] = [
    ['run', run.id],
    ['status', run.status],
    ['model', `${run.model}, seed ${run.seed}`],
    ['steps', `${count(run.step)} of ${count(run.steps)}, ${counted(run.epochs, 'epoch')}`],
    ['started', run.startedAt],
    ['time', duration(run.durationSeconds)],
    ...(run.imagesPerSecond === null
      ? []
      : [['speed', `${count(run.imagesPerSecond)} images/s`] as [string, string]]),
    ...(test === null
      ? []
      : ([
          ['test accuracy', percent(test.accuracy)],
          ...(test.ttaAccuracy === null ? [] : [['  augmented (TTA)', percent(test.ttaAccuracy)]]),
          ['test cross-entropy', test.crossEntropy.toFixed(4)],
        ] as [string, string][])),
    ...(run.val === null ? [] : [['val accuracy', percent(run.val.accuracy)] as [string, string]]),
    ...(error === null ? [] : [['error', `${error.code}: ${error.message}`] as [string, string]]),
    ['overrides', run.overrides.map(shellWord).join(' ') || 'none'],
    ['folder', shortPath(run.runDir)],
    ...(run.checkpoint === null ? [] : [['checkpoint', run.checkpoint] as [string, string]]),
  ];
  return table(rows);
}

function describeComparison(
  a: RunInfo,
  b: RunInfo,
  config: readonly Difference[],
  metrics: readonly Difference[],
): string {
  const rows = (differences: readonly Difference[], write: (key: string, value: unknown) => string) =>
    differences.map((difference) => [
      difference.key,
      write(difference.key, difference.a),
      write(difference.key, difference.b),
    ]);
  const settings = rows(config, (_key, value) => (value === undefined ? '-' : JSON.stringify(value)));
  return [
    settings.length === 0 ? 'The settings are the same.' : columns(['setting', a.id, b.id], settings),
    '',
    columns(['figure', a.id, b.id], rows(metrics, writeFigure)),
  ].join('\n');
}

function writeFigure(key: string, value: unknown): string {
  if (typeof value !== 'number') return '-';
  if (key.endsWith('ccuracy')) return percent(value);
  if (key === 'durationSeconds') return duration(value);
  return key === 'crossEntropy' ? value.toFixed(4) : count(value);
}
