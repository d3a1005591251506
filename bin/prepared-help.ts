// Owns the help texts that the build has written down, so that `--help` need not load the parser, which would take most
// of the time. Must not make them: scripts/build-help.mjs does, with the parser itself.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Beside the compiled `bin`. */
export const HELP_FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'help');

/** The option by which a shell asks what may be typed next; what follows it is no command line to run. */
export const COMPLETION_REQUEST = '--get-yargs-completions';

/** The name of the file for the help of a command: `train`, `config.show`, `index` for that of the whole. */
export function helpFileName(command: readonly string[]): string {
  return `${command.length === 0 ? 'index' : command.join('.')}.txt`;
}

/** The help that these arguments ask for; undefined if they ask for none, or for one that is not written down. */
export function preparedHelp(words: readonly string[]): string | undefined {
  if (!words.includes('--help') || words.includes(COMPLETION_REQUEST)) return undefined;
  const plain = words.filter((word) => !word.startsWith('-'));
  // The longest beginning that names a command; the rest are its arguments.
  const lengths = [2, 1, 0].filter((length) => length <= plain.length && (length > 0 || plain.length === 0));
  const paths = lengths
    .map((length) => plain.slice(0, length))
    .filter((command) => command.every((word) => /^[a-z-]+$/.test(word)))
    .map((command) => join(HELP_FOLDER, helpFileName(command)));
  const path = paths.find((candidate) => existsSync(candidate));
  return path && readFileSync(path, 'utf8');
}
