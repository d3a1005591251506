// Owns the command `schedule`: the learning rate of a run before it is run, as a table and as a picture.
import type { SchedulePlan } from '../../lib/index.js';
import { defineCommand } from '../command.js';
import { count, counted } from '../format.js';
import { CONFIG_OPTIONS, OVERRIDES_POSITIONAL } from '../options.js';
import { columns, table } from '../table.js';

export const scheduleCommand = defineCommand({
  command: 'schedule [overrides..]',
  describe: 'Show the learning rate of a run, step by step, before it is run',
  positionals: OVERRIDES_POSITIONAL,
  options: {
    ...CONFIG_OPTIONS,
    plot: { type: 'boolean', describe: 'Draw the curve', group: 'Output:' },
  },
  examples: [
    ['$0 schedule', 'That of the default recipe'],
    ['$0 schedule --plot +experiment=fast94_sgd', 'The triangle of an SGD recipe, drawn'],
    ['$0 schedule --plot training.schedule.warmup_fraction=0.1', 'With a warm-up'],
    ['$0 schedule --json', 'The factor at every step, for a script'],
  ],
  epilogue: 'Nothing is trained and no dataset is read. docs/training.md describes the shapes.',
  run: async ({ config, configDir, overrides, plot }, { printResult }) => {
    const { planSchedule } = await import('../../lib/index.js');
    const plan = planSchedule({ config, configDir, overrides });
    const picture = plot ? `\n\n${await draw(plan)}` : '';
    printResult(plan, () => describe(plan) + picture);
  },
});

/** Lines of the table, at most. */
const ROWS = 12;

function describe(plan: SchedulePlan): string {
  const { name, epochs, steps, stepsPerEpoch, lrFactors, peakLr } = plan;
  const groups = Object.entries(peakLr);
  const shown = [...new Set(landmarks(lrFactors))].sort((a, b) => a - b);
  const rows = shown.map((step) => {
    const factor = lrFactors[step] ?? 0;
    const lrs = groups.map(([, lr]) => (lr * factor).toPrecision(4));
    return [count(step + 1), (step / stepsPerEpoch).toFixed(2), factor.toFixed(4), ...lrs];
  });
  return [
    table([
      ['schedule', name],
      [
        'length',
        `${counted(epochs, 'epoch')} of ${counted(stepsPerEpoch, 'step')}, ${counted(steps, 'step')}`,
      ],
    ]),
    '',
    columns(['step', 'epoch', 'factor', ...groups.map(([group]) => `lr ${group}`)], rows),
  ].join('\n');
}

/** The ends, the peak, and steps in between. */
function landmarks(factors: readonly number[]): number[] {
  const last = factors.length - 1;
  const even = Array.from({ length: ROWS - 1 }, (_, i) => Math.round((i * last) / (ROWS - 2)));
  const peak = factors.reduce((best, factor, step) => (factor > (factors[best] ?? 0) ? step : best), 0);
  return [...even, peak];
}

const PLOT = { width: 66, height: 13 };

/** More than the picture has columns, few enough to draw at once. */
const MAX_POINTS = 1000;

/** Over epochs, within 80 columns. */
async function draw({ lrFactors, epochs, stepsPerEpoch }: SchedulePlan): Promise<string> {
  const { plot } = await import('simple-ascii-chart');
  const stride = Math.ceil(lrFactors.length / MAX_POINTS);
  const points = lrFactors
    .map((factor, step): [number, number] => [step / stepsPerEpoch, factor])
    .filter((_, step) => step % stride === 0 || step === lrFactors.length - 1);
  const tick = Math.max(1, Math.ceil(epochs / 8));
  const ticks = Array.from({ length: Math.floor(epochs / tick) + 1 }, (_, i) => i * tick);
  return plot(points.length > 1 ? points : [...points, ...points], {
    ...PLOT,
    yRange: [0, 1],
    xLabel: 'epoch',
    customXAxisTicks: ticks,
    customYAxisTicks: [0, 0.25, 0.5, 0.75, 1],
    formatter: (value, { axis }) => (axis === 'y' ? Number(value).toFixed(2) : String(value)),
  }).trimEnd();
}
