// Writes the help text of every command to dist/help, where `--help` reads it. Part of the build, after the compiler.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS, createParser } from '../dist/bin/parser.js';
import { HELP_FOLDER, helpFileName } from '../dist/bin/prepared-help.js';

/** What the parser itself would print. */
function helpOf(command) {
  return new Promise((resolve) => {
    createParser([...command, '--help']).parse([...command, '--help'], {}, (_error, _args, output) =>
      resolve(output),
    );
  });
}

rmSync(HELP_FOLDER, { recursive: true, force: true });
mkdirSync(HELP_FOLDER, { recursive: true });
for (const command of COMMANDS) {
  const text = await helpOf(command);
  if (!text.includes('Examples:')) throw new Error(`no help for "${command.join(' ')}"`);
  writeFileSync(join(HELP_FOLDER, helpFileName(command)), `${text}\n`);
}
