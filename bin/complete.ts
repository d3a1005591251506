// Owns what the shell is told while a command line is being typed: commands and options from the parser, overrides,
// models and runs from the library. Must not print.
import type { Arguments } from 'yargs';

/** yargs' own completion of commands, options and choices. */
type DefaultCompletion = () => void;
type Done = (words: string[]) => void;

/** Options whose value is a file or a folder, which the shell completes itself. */
const PATH_OPTIONS = new Set([
  '--config',
  '--config-dir',
  '--config_dir',
  '--dir',
  '--libtorch',
  '--output',
  '--weights',
]);

/** The completion function of the parser. What fails completes nothing: a shell shows no errors here. */
export function complete(
  current: string,
  args: Arguments,
  completeByDefault: DefaultCompletion,
  done: Done,
): void {
  const words = args._.map(String);
  // The first word is the program, the last one may be the one being typed.
  const [command, inner] = words.slice(1);
  const option = process.argv.at(-2) ?? '';
  const takesOverrides =
    command === 'train' ||
    command === 'import-weights' ||
    command === 'preview' ||
    command === 'schedule' ||
    (command === 'config' && (inner === 'show' || inner === 'keys'));
  const takesRuns =
    option === '--resume' || (command === 'runs' && (inner === 'show' || inner === 'compare'));
  const takesModel = command === 'models';
  if (PATH_OPTIONS.has(option)) {
    done([]);
    return;
  }
  const isOurs =
    !current.startsWith('-') && current !== command && (takesOverrides || takesRuns || takesModel);
  if (!isOurs) {
    completeByDefault();
    return;
  }
  const configDir = typeof args.configDir === 'string' ? args.configDir : undefined;
  const dir = typeof args.dir === 'string' ? args.dir : undefined;
  const find = () => {
    if (takesRuns) return completeRun(current, dir);
    return takesModel ? completeModel(current, configDir) : completeOverride(current, configDir);
  };
  find().then(done, () => done([]));
}

async function completeOverride(current: string, configDir: string | undefined): Promise<string[]> {
  const lib = await import('../lib/index.js');
  return lib.completeOverride(current, configDir);
}

async function completeModel(current: string, configDir: string | undefined): Promise<string[]> {
  const { listOptions } = await import('../lib/index.js');
  return listOptions('model', configDir).filter((option) => option.startsWith(current));
}

async function completeRun(current: string, dir: string | undefined): Promise<string[]> {
  const { listRuns, loadConfig } = await import('../lib/index.js');
  const runs = await listRuns(dir ?? loadConfig().outputDir);
  return ['latest', ...runs.map(({ id }) => id)].filter((id) => id.startsWith(current));
}
