// Owns the grammar of `${…}` in texts, as OmegaConf 2.3 defines it. Must not resolve anything.
import { endOfReference } from './value-parser.js';

/** A text that stands as it is, a reference to a key, or a call of a resolver. */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'key'; readonly source: string; readonly key: readonly Part[] }
  | {
      readonly kind: 'call';
      readonly source: string;
      readonly resolver: string;
      readonly args: readonly (readonly Part[])[];
      /** Whether each argument was quoted, and so is a text whatever it looks like. */
      readonly quoted: readonly boolean[];
    };

const CALL = /^\s*([A-Za-z_][\w.]*)\s*:(.*)$/s;

/** The parts of a text; undefined where a `${` is not closed or holds nothing. */
export function parseReferences(text: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  let literal = '';
  for (let index = 0; index < text.length; ) {
    const escaped = /^(\\+)\$\{/.exec(text.slice(index));
    if (escaped !== null) {
      const slashes = (escaped[1] as string).length;
      // Two backslashes are one, an odd one makes the `${` a text.
      literal += '\\'.repeat(Math.floor(slashes / 2)) + (slashes % 2 === 1 ? '${' : '');
      index += slashes + (slashes % 2 === 1 ? 2 : 0);
    } else if (text.startsWith('${', index)) {
      const end = endOfReference(text, index);
      const reference = end === undefined ? undefined : parseReference(text.slice(index, end));
      if (end === undefined || reference === undefined) return undefined;
      if (literal !== '') parts.push({ kind: 'text', text: literal });
      parts.push(reference);
      literal = '';
      index = end;
    } else literal += text[index++];
  }
  return literal === '' ? parts : [...parts, { kind: 'text', text: literal }];
}

/** `source`: `${…}` as a whole. */
function parseReference(source: string): Part | undefined {
  const inner = source.slice(2, -1);
  const call = CALL.exec(inner);
  if (call === null) {
    const key = inner.trim() === '' ? undefined : parseReferences(inner.trim());
    return key && { kind: 'key', source, key };
  }
  const texts = splitArguments(call[2] as string);
  const quoted = texts.map((text) => /^(?:"[\s\S]*"|'[\s\S]*')$/.test(text));
  const args = texts.map((text, index) => parseReferences(quoted[index] ? unquote(text) : text));
  if (args.some((arg) => arg === undefined)) return undefined;
  return { kind: 'call', source, resolver: call[1] as string, args: args as (readonly Part[])[], quoted };
}

/** At the commas that are in no quotes, brackets or references. */
function splitArguments(text: string): string[] {
  const args: string[] = [];
  let depth = 0;
  let quote: string | undefined;
  let begin = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] as string;
    if (character === '\\') index++;
    else if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === "'" || character === '"') quote = character;
    else if ('{[('.includes(character)) depth++;
    else if ('}])'.includes(character)) depth--;
    else if (character === ',' && depth === 0) {
      args.push(text.slice(begin, index).trim());
      begin = index + 1;
    }
  }
  return [...args, text.slice(begin).trim()];
}

function unquote(text: string): string {
  return text.slice(1, -1).replaceAll(`\\${text[0]}`, text[0] as string);
}
