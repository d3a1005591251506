// Owns the shape that all commands share: from a table of options to a yargs module whose work can be interrupted.
// Must not know any command.
import type {
  ArgumentsCamelCase,
  CommandModule,
  InferredOptionTypes,
  Options,
  PositionalOptions,
} from 'yargs';
import { interruptible } from './interruption.js';
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

interface CommandDefinition<Table, Positionals> {
  /** Name and positionals, as yargs writes them. */
  command: string;
  describe: string;
  positionals?: Positionals;
  options: Table;
  /** Command line and what it does. */
  examples: readonly (readonly [string, string])[];
  /** The last lines of the help. */
  epilogue: string;
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
  const { command, describe, positionals, options, examples, epilogue, run } = definition;
  return {
    command,
    describe,
    builder: (parser) => {
      for (const [name, positional] of Object.entries(positionals ?? {})) parser.positional(name, positional);
      for (const [line, meaning] of examples) parser.example(line, meaning);
      return parser.options(options).epilogue(epilogue);
    },
    handler: (args) => runCommand(run, args as unknown as Parameters<typeof run>[0]),
  };
}

type GlobalArguments = InferredOptionTypes<typeof GLOBAL_OPTIONS>;

async function runCommand<Arguments extends GlobalArguments>(
  run: (args: Arguments, context: Context) => Promise<void>,
  args: Arguments,
): Promise<void> {
  if (args.libtorch) process.env.LIBTORCH = args.libtorch;
  const isJson = args.json ?? false;
  const isQuiet = args.quiet ?? false;
  const progress = createProgress(process.stderr, isQuiet);
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
      () => message('stopping; once more to exit at once'),
    );
  } finally {
    progress.close();
  }
}
