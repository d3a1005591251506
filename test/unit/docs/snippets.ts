// Owns finding the programs and commands that the documentation shows.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../lib/package-root.js';

export interface Snippet {
  /** Of the file, relative to the repository. */
  file: string;
  /** Of the first line of the text, from 1. */
  line: number;
  /** The first word behind the opening fence; empty for a plain block. */
  language: string;
  text: string;
}

/** Every Markdown file that a user reads. */
export function documents(): string[] {
  const guides = readdirSync(join(PACKAGE_ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', 'examples/README.md', ...guides.map((name) => `docs/${name}`)];
}

/** The fenced blocks of a file. */
export function snippetsOf(file: string): Snippet[] {
  const text = readFileSync(join(PACKAGE_ROOT, file), 'utf8');
  return [...text.matchAll(/^```(\w*)[^`\n]*\n(.*?)^```$/gms)].map((match) => ({
    file,
    line: text.slice(0, match.index).split('\n').length + 1,
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
}
