// Owns reading one YAML file that holds a map. Must not know what the keys mean.
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { Cifar10Error, systemCode } from '../errors.js';
import { isTree, type Tree } from './keys.js';

/**
 * The map that a YAML file holds; an empty file is an empty map.
 * Errors: `CONFIG_FILE_NOT_FOUND`, `CONFIG_FILE_INVALID` with the line and column.
 */
export function readYamlMap(path: string): Tree {
  const document = parseDocument(readText(path), { logLevel: 'silent', prettyErrors: true });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const { line, col } = problem.linePos?.[0] ?? { line: 1, col: 1 };
    throw invalidFile(path, 'valid YAML', `${firstLine(problem.message)} (${path}:${line}:${col})`, problem);
  }
  const value = toPlainValue(path, () => document.toJS() as unknown) ?? {};
  if (!isTree(value)) throw invalidFile(path, 'a map of keys', JSON.stringify(value).slice(0, 80));
  return value;
}

/** The error for a config file whose content is not what it must be. */
export function invalidFile(path: string, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('CONFIG_FILE_INVALID', {
    what: `config file "${path}" cannot be used`,
    expected,
    found,
    nextStep: 'correct the file',
    cause,
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw invalidFile(path, 'a file this user can read', code ?? String(error), error);
    throw new Cifar10Error('CONFIG_FILE_NOT_FOUND', {
      what: `config file "${path}" does not exist`,
      nextStep: 'check the path given as the config file',
      cause: error,
    });
  }
}

/** Aliases that refer to themselves or multiply without end are found only when the document is resolved. */
function toPlainValue(path: string, resolve: () => unknown): unknown {
  try {
    return resolve();
  } catch (error) {
    throw invalidFile(path, 'valid YAML', firstLine((error as Error).message), error);
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message;
}
