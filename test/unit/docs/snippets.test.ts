// What the documentation shows can be typed in: programs satisfy the compiler, commands and their options exist.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../../lib/package-root.js';
import { documents, type Snippet, snippetsOf } from './snippets.js';

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  types: ['node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  paths: { 'cifar10-torch': [join(PACKAGE_ROOT, 'lib/index.ts')] },
};

/** What the compiler has against the programs, each with its place in the documentation. */
function complaints(programs: readonly Snippet[]): string[] {
  const texts = new Map(
    programs.map((snippet, index) => [join(PACKAGE_ROOT, `snippet-${index}.mts`), snippet]),
  );
  const host = ts.createCompilerHost(OPTIONS);
  const { readFile, fileExists } = host;
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path)?.text ?? readFile(path);
  const getSourceFile = host.getSourceFile;
  host.getSourceFile = (path, target, ...rest) => {
    const text = texts.get(path)?.text;
    return text === undefined
      ? getSourceFile(path, target, ...rest)
      : ts.createSourceFile(path, text, target);
  };
  const found = ts.getPreEmitDiagnostics(ts.createProgram([...texts.keys()], OPTIONS, host));
  return found.map(({ file, start = 0, messageText }) => {
    const snippet = texts.get(file?.fileName ?? '');
    const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + (snippet?.line ?? 0);
    return `${snippet?.file ?? file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

const all = documents().flatMap(snippetsOf);

describe('programs', () => {
  const programs = all.filter(({ language }) => language === 'ts');

  test('there are some, and all satisfy the compiler', () => {
    expect(programs.length).toBeGreaterThan(3);
    expect(complaints(programs)).toEqual([]);
  });

  test('one that does not is told with its place', () => {
    const text = "import { predict } from 'cifar10-torch';\npredict(1, { checkpoint: 'a' });\n";
    const [complaint, ...more] = complaints([{ file: 'a.md', line: 7, language: 'ts', text }]);
    expect(more).toEqual([]);
    expect(complaint).toMatch(/^a\.md:8: Argument of type 'number'/);
  });
});

describe('commands', () => {
  const COMMAND = /^(?:\w+=\S+ )*npx cifar10-torch +(?<command>[a-z-]+)(?<rest>[^#|\n]*)/gm;
  /** A command that goes on in the next line is one line. */
  const joined = (text: string) => text.replaceAll(/\\\n/g, ' ');
  const lines = all.flatMap(({ file, text }) =>
    [...joined(text).matchAll(COMMAND)].map(({ groups }) => ({
      file,
      command: groups?.command ?? '',
      options: [...(groups?.rest ?? '').matchAll(/(?<=\s)--[a-z_-]+/g)].map(([option]) => option),
    })),
  );
  const names = [...new Set(lines.map(({ command }) => command))].sort();

  test.each(names)('%s is one, with the options that are shown', (command) => {
    const path = join(PACKAGE_ROOT, `dist/help/${command}.txt`);
    expect(existsSync(path)).toBe(true);
    const help = readFileSync(path, 'utf8');
    const options = new Set(
      lines.filter((line) => line.command === command).flatMap(({ options }) => options),
    );
    for (const option of options) expect(help).toMatch(new RegExp(`${option}(?![\\w-])`));
  });
});
