// Owns the help texts that the build has written down: reading one takes a tenth of the time that making it takes,
// most of which is loading the parser. Must not make them: scripts/build-help.mjs does, with the parser itself.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Beside the compiled `bin`. */
export const HELP_FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'help');

/** The name of the file for the help of a command: `train`, `config-show`, `index` for that of the whole. */
export function helpFileName(command: readonly string[]): string {
  return `${command.length === 0 ? 'index' : command.join('-')}.txt`;
}

/** The help that these arguments ask for; undefined if they ask for none, or for one that is not written down. */
export function preparedHelp(words: readonly string[]): string | undefined {
  if (!words.includes('--help')) return undefined;
  const end = words.findIndex((word) => word.startsWith('-'));
  const command = words.slice(0, end);
  if (command.some((word) => !/^[a-z-]+$/.test(word))) return undefined;
  try {
    return readFileSync(join(HELP_FOLDER, helpFileName(command)), 'utf8');
  } catch {
    return undefined;
  }
}
