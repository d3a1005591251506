// Owns the command `train`: options to the library's `train` or `sweep`, its events to the progress display.
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
      describe: 'Go on with a run that was stopped: latest, its id or its folder',
      group: 'Input:',
    },
    multirun: {
      type: 'boolean',
      alias: 'm',
      describe: 'Train once for each combination of the values: a=1,2 b=choice(x,y) c=range(0,5)',
      group: 'Sweep:',
    },
    'fail-fast': { type: 'boolean', describe: 'End the sweep at the first job that fails', group: 'Sweep:' },
  },
  examples: [
    ['$0 train', 'The default recipe; downloads CIFAR-10 first if it is missing'],
    ['$0 train data_loading=sample', 'On the embedded sample, without a download'],
    ['$0 train --config my.yaml training.seed=1', 'By a file, with another seed'],
    ['$0 train -m model=fast,resnet20 training.seed=0,1', 'Four trainings, one after the other'],
    ['$0 train -m training.seed=range(0,5) --resume', 'Do not repeat jobs that are finished'],
    ['$0 train --resume latest', 'Go on after Ctrl-C'],
  ],
  epilogue:
    'Overrides: key=value changes, +key=value adds, ~key removes, group=option picks a file of conf/; ' +
    '`config keys` lists all keys. Writes to the folder <output_dir>/<date>/<time>. ' +
    'Ctrl-C finishes the step, saves and says how to go on; a second one stops at once.',
  run: async ({ config, configDir, overrides = [], resume, multirun, failFast }, context) => {
    const { Cifar10Error, train, trainingConfig } = await import('../../lib/index.js');
    const { signal } = context;
    if (multirun)
      return runSweep(
        { config, configDir, overrides, isResumed: resume !== undefined, isFailFast: failFast },
        context,
      );
    if (resume === '')
      throw new Cifar10Error('USAGE', {
        what: '--resume names no run',
        expected: 'latest, an id or a run folder',
        found: 'nothing',
        nextStep: 'write --resume latest; only with -m it stands alone',
      });
    const options = { config, configDir, overrides, resume, signal };
    await provideDatasets([await trainingConfig(options)], context);
    const run = train(options);
    const display = new TrainingProgress(context.progress, context.message);
    for await (const event of run) display.show(event);
    const result = await run;
    const { config: _, ...figures } = result;
    context.printResult(figures, () => describeTraining(result));
  },
});
