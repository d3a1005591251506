// Owns the command line as a whole: the list of commands, what all of them share, how arguments are read.
// Must not run anything itself.
import { closest, distance } from 'fastest-levenshtein';
import yargs from 'yargs';
import { Cifar10Error } from '../lib/errors.js';
import { VERSION } from '../lib/version.js';
import { describeExamples } from './command.js';
import { benchCommand } from './commands/bench.js';
import { buildCommand } from './commands/build.js';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config.js';
import { doctorCommand } from './commands/doctor.js';
import { downloadCommand } from './commands/download.js';
import { evaluateCommand } from './commands/evaluate.js';
import { importWeightsCommand } from './commands/import-weights.js';
import { inferCommand } from './commands/infer.js';
import { installRuntimeCommand } from './commands/install-runtime.js';
import { modelsCommand } from './commands/models.js';
import { previewCommand } from './commands/preview.js';
import { runsCommand } from './commands/runs.js';
import { scheduleCommand } from './commands/schedule.js';
import { serveCommand } from './commands/serve.js';
import { trainCommand } from './commands/train.js';
import { complete } from './complete.js';
import { GLOBAL_OPTIONS } from './options.js';

/** Of help texts, which are made once, for every terminal. */
const WIDTH = 80;
/** The arguments that are lists. */
const LISTS = new Set(['_', 'overrides']);

/** The words of every command that has a help text. */
export const COMMANDS: readonly (readonly string[])[] = [
  [],
  ['train'],
  ['evaluate'],
  ['infer'],
  ['serve'],
  ['import-weights'],
  ['preview'],
  ['bench'],
  ['runs'],
  ['runs', 'list'],
  ['runs', 'show'],
  ['runs', 'compare'],
  ['config'],
  ['config', 'show'],
  ['config', 'keys'],
  ['schedule'],
  ['models'],
  ['download'],
  ['install-runtime'],
  ['build'],
  ['doctor'],
  ['completion'],
];

const EXAMPLES = [
  ['$0 train', 'Train the default recipe on CIFAR-10'],
  ['$0 train data_loading=sample', 'Train on the embedded sample, without a download'],
  ['$0 <command> --help', 'Options and examples of a command'],
] as const;

const EXIT_CODES =
  'Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted (Ctrl-C), 143 terminated.';

/** `--resume` of a sweep takes no value: what follows it is an override. */
function separateResume(words: readonly string[]): string[] {
  const isSweep = words.some((word) => /^(?:-m|--multirun)(?:=true)?$/.test(word));
  return words.map((word) => (isSweep && word === '--resume' ? '--resume=' : word));
}

/** The parser of these arguments; parsing runs the command. Every failure, of usage too, is thrown. */
export function createParser(words: string[]) {
  return yargs(separateResume(words))
    .scriptName('cifar10-torch')
    .usage('$0 <command>\n\nTrain, evaluate and run CIFAR-10 image classifiers at native speed.')
    .parserConfiguration({ 'dot-notation': false, 'parse-positional-numbers': false })
    .command(trainCommand)
    .command(evaluateCommand)
    .command(inferCommand)
    .command(serveCommand)
    .command(importWeightsCommand)
    .command(previewCommand)
    .command(benchCommand)
    .command(runsCommand)
    .command(configCommand)
    .command(scheduleCommand)
    .command(modelsCommand)
    .command(downloadCommand)
    .command(installRuntimeCommand)
    .command(buildCommand)
    .command(doctorCommand)
    .command(completionCommand)
    .completion('complete', false, complete)
    .options(GLOBAL_OPTIONS)
    .demandCommand(1, 1, 'no command given', 'more than one command given')
    .strict()
    .strictCommands()
    .recommendCommands()
    .check(refuseRepetition)
    .epilogue(describeExamples(EXAMPLES, EXIT_CODES))
    .version(VERSION)
    .wrap(WIDTH)
    .detectLocale(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw isOurs(error) ? error : usageError(message ?? error.message);
    });
}

/** What yargs throws itself is about the arguments; everything else comes from a command. */
function isOurs(error: Error | undefined): boolean {
  return error !== undefined && error.name !== 'YError';
}

function usageError(message: string): Cifar10Error {
  const help = 'run `npx cifar10-torch --help`, or `--help` after a command';
  const guess = /^Did you mean (\S+)\?$/.exec(message)?.[1];
  if (guess !== undefined)
    return new Cifar10Error('USAGE', { what: 'Unknown command', nextStep: `use the nearest, "${guess}"` });
  const what = message.replace(/\s+/g, ' ');
  const choice = nearestChoice(what);
  return new Cifar10Error('USAGE', { what, nextStep: choice ? `use the nearest, "${choice}"` : help });
}

/** Of the choices that yargs lists, the one that can be meant by the value it was given. */
function nearestChoice(message: string): string | undefined {
  const [, given, list] = /Given: "([^"]{1,40})", Choices: (".+")$/.exec(message) ?? [];
  if (given === undefined || list === undefined) return undefined;
  const nearest = closest(given, list.slice(1, -1).split('", "'));
  return distance(given, nearest) <= Math.max(2, given.length / 2) ? nearest : undefined;
}

/** yargs would make a list of an option given twice. */
function refuseRepetition(args: Record<string, unknown>): true {
  const repeated = Object.keys(args).find((key) => Array.isArray(args[key]) && !LISTS.has(key));
  if (repeated === undefined) return true;
  throw usageError(`--${repeated} is given more than once`);
}
