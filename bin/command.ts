// Owns the shape that all commands share: from a table of options to a yargs module whose work can be interrupted.
// Must not know any command.
import type {
  ArgumentsCamelCase,
  CommandModule,
  InferredOptionTypes,
  Options,
  PositionalOptions,
} from 'yargs';
import { interruptible, type StopSignals } from './interruption.js';
import type { GLOBAL_OPTIONS } from './options.js';
import { printJson, printLine } from './output.js';
import { createProgress, type Progress } from './progress.js';

/** What a command works with, beside its arguments. */
export interface Context {
  readonly isJson: boolean;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** One line on stderr for a person; nothing with `--quiet`. */
  readonly message: (line: string) => void;
  /** Ends the progress display and prints the result in the form that was asked for. */
  readonly printResult: (json: object, describe: () => string) => void;
}

/** Command line and what it does. */
type Examples = readonly (readonly [string, string])[];

interface CommandDefinition<Table, Positionals> {
  /** Name and positionals, as yargs writes them; `$0` among several makes it the one that runs without a name. */
  command: string | readonly string[];
  describe: string;
  positionals?: Positionals;
  options: Table;
  examples: Examples;
  /** The last lines of the help. */
  epilogue: string;
  /** Those that stop it, where the command answers another one itself. Default: SIGINT, SIGTERM and SIGHUP. */
  stopSignals?: StopSignals;
  run: (
    args: ArgumentsCamelCase<InferredOptionTypes<Table & Positionals & typeof GLOBAL_OPTIONS>>,
    context: Context,
  ) => Promise<void>;
}

/** The yargs module of a command; its handler rejects with whatever the command rejects with. */
export function defineCommand<
  const Table extends Record<string, Options>,
  const Positionals extends Record<string, PositionalOptions> = Record<never, never>,
>(definition: CommandDefinition<Table, Positionals>): CommandModule {
  const { command, describe, positionals, options, examples, epilogue, stopSignals, run } = definition;
  return {
    command,
    describe,
    builder: (parser) => {
      for (const [name, positional] of Object.entries(positionals ?? {})) parser.positional(name, positional);
      return parser.options(options).epilogue(describeExamples(examples, epilogue));
    },
    handler: (args) => runCommand(run, args as unknown as Parameters<typeof run>[0], stopSignals),
  };
}

/** The end of a help text. yargs' own examples stand in two narrow columns, where a command line breaks. */
export function describeExamples(examples: Examples, epilogue: string): string {
  const lines = examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`);
  return `Examples:\n${lines.join('\n')}\n\n${epilogue}`;
}

interface GroupDefinition {
  command: string;
  describe: string;
  commands: readonly CommandModule[];
  /** Without a command among them that runs by default, which has its own. */
  help?: { examples: Examples; epilogue: string };
}

/** The yargs module of a command that only holds others. */
export function defineGroup({ command, describe, commands, help }: GroupDefinition): CommandModule {
  return {
    command,
    describe,
    builder: (parser) => {
      for (const inner of commands) parser.command(inner);
      if (help) parser.epilogue(describeExamples(help.examples, help.epilogue));
      return parser.demandCommand(1, 1, `no command given after "${command}"`);
    },
    handler: () => {},
  };
}

type GlobalArguments = InferredOptionTypes<typeof GLOBAL_OPTIONS>;

async function runCommand<Arguments extends GlobalArguments>(
  run: (args: Arguments, context: Context) => Promise<void>,
  args: Arguments,
  stopSignals: StopSignals | undefined,
): Promise<void> {
  if (args.libtorch) process.env.LIBTORCH = args.libtorch;
  const isJson = args.json ?? false;
  const isQuiet = args.quiet ?? false;
  const progress = createProgress(process.stderr, isQuiet, isJson);
  const message = (line: string) => {
    if (!isQuiet) progress.print(line);
  };
  const printResult = (json: object, describe: () => string) => {
    progress.close();
    if (isJson) printJson(json);
    else printLine(describe());
  };
  try {
    await interruptible(
      (signal) => run(args, { isJson, signal, progress, message, printResult }),
      () => message('stopping in good order; once more to stop at once'),
      (exitCode) => {
        progress.close(); // gives the cursor back
        message('stopped at once; what was not saved is lost');
        void import('../lib/index.js').then(({ exitImmediately }) => exitImmediately(exitCode));
      },
      stopSignals,
    );
  } finally {
    progress.close();
  }
}
