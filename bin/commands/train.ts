// Owns the command `train`: options to the library's `train` or `sweep`, its events to the progress display.
import { Cifar10Error } from '../../lib/errors.js';
import type { Config } from '../../lib/index.js';
import { defineCommand } from '../command.js';
import { provideDatasets } from '../dataset-download.js';
import { CONFIG_OPTIONS, OVERRIDES_POSITIONAL } from '../options.js';
import { describeTraining } from '../reports.js';
import { runSweep } from '../sweep-run.js';
import { TrainingProgress } from '../training-progress.js';

export const trainCommand = defineCommand({
  command: 'train [overrides..]',
  describe: 'Train a model and write its checkpoint',
  positionals: OVERRIDES_POSITIONAL,
  options: {
    ...CONFIG_OPTIONS,
    resume: {
      type: 'string',
      describe:
        'Go on with a run that was stopped or crashed: latest, its id, its folder or a state in it; with -m, without a value: ' +
        'do not repeat what an earlier sweep has finished',
      group: 'Input:',
    },
    force: {
      type: 'boolean',
      implies: 'resume',
      describe: 'Go on although settings, versions or the machine have changed what the run comes to',
      group: 'Input:',
    },
    multirun: {
      type: 'boolean',
      alias: 'm',
      describe: "Train once for each combination of the values: a=1,2 'b=choice(x,y)' 'c=range(0,5)'",
      group: 'Sweep:',
    },
    'fail-fast': {
      type: 'boolean',
      implies: 'multirun',
      describe: 'End the sweep at the first job that fails',
      group: 'Sweep:',
    },
  },
  examples: [
    ['$0 train', 'The default recipe; downloads CIFAR-10 first if it is missing'],
    ['$0 train data_loading=sample', 'On the embedded sample, without a download'],
    ['$0 train --config my.yaml training.seed=1', 'By a file, with another seed'],
    ['$0 train -m model=fast,resnet20 training.seed=0,1', 'Four trainings, one after the other'],
    ["$0 train -m 'training.seed=range(0,5)' --resume", 'Do not repeat jobs that are finished'],
    ['$0 train --resume latest', 'Go on after Ctrl-C, a crash or a power cut'],
  ],
  epilogue:
    'Overrides: key=value changes, +key=value adds, ~key removes, group=option picks a file of conf/; ' +
    '`config keys` lists all keys. Writes to the folder <output_dir>/<date>/<time>. ' +
    'Ctrl-C finishes the step, saves and says how to go on; a second one stops at once.',
  run: async ({ config, configDir, overrides = [], resume, force, multirun, failFast }, context) => {
    if (multirun) {
      if (resume) throw usageError(`--resume of a sweep takes no value`, '--resume alone', resume);
      const choice = { isResumed: resume !== undefined, isFailFast: failFast };
      return runSweep({ config, configDir, overrides, ...choice }, context);
    }
    if (resume === '') throw usageError('--resume names no run', 'latest, an id or a run folder', 'nothing');
    if (resume !== undefined && config !== undefined)
      throw usageError('a run that goes on keeps its configuration', '--resume and overrides', '--config');
    const { train } = await import('../../lib/index.js');
    const prepare = (settled: Config) => provideDatasets([settled], context);
    const run = train({ config, configDir, overrides, resume, force, signal: context.signal, prepare });
    const display = new TrainingProgress(context.progress, context.message);
    for await (const event of run) display.show(event);
    const result = await run;
    const { config: _, ...figures } = result;
    context.printResult(figures, () => describeTraining(result));
  },
});

function usageError(what: string, expected: string, found: string): Cifar10Error {
  return new Cifar10Error('USAGE', {
    what,
    expected,
    found,
    nextStep: 'see `npx cifar10-torch train --help`',
  });
}
