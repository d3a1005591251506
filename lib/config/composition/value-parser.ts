// Owns the grammar of values in overrides, as Hydra 1.3 defines it (hydra.cc, "Basic override syntax"): primitives,
// quoted texts, lists, maps, and the sweeps `a,b`, `choice(…)` and `range(…)`. Must not know keys.
// Beside Hydra's characters, letters of every script may stand in a text without quotes.
import { Cifar10Error } from '../../errors.js';
import { assertKey, type Entry, type Node, type Place, type Scalar } from './node.js';
import { rangeValues, toScalar } from './scalar-text.js';

/** One value of a sweep: its text as it stands in the override, or as a job of its own would be given it. */
export interface Choice {
  readonly text: string;
  readonly node: Node;
}

export type ParsedValue =
  | { readonly kind: 'value'; readonly node: Node }
  | { readonly kind: 'sweep'; readonly choices: readonly Choice[] };

/**
 * Parses what stands behind `=` in the override, from the character `start` (from 0). Nothing at all is an empty text.
 * Errors: `CONFIG_INVALID_OVERRIDE` with the position.
 */
export function parseValue(text: string, start: number): ParsedValue {
  return new ValueParser(text, start).parse();
}

/** The error for an override whose text is malformed at the character `index` (from 0). */
export function invalidOverride(
  text: string,
  index: number,
  expected: string,
  nextStep: string,
): Cifar10Error {
  const found = index < text.length ? `"${text.slice(index, index + 20)}"` : 'the end';
  return new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
    what: `override "${text}" cannot be read at character ${index + 1}`,
    expected,
    found,
    nextStep,
  });
}

const QUOTE_IT = 'put the value in quotes, with the whole override in quotes of the other kind for the shell';
const MAX_CHOICES = 10_000;
const MAX_DEPTH = 100;
const RANGE_NAMES = ['start', 'stop', 'step'] as const;
/** What a text without quotes may hold, beside escapes and references. */
const PLAIN = /[\w/\-+.$%*@?|:\u0080-\uffff]/;
const ESCAPABLE = new Set('\\()[]{}:=, \t');

class ValueParser {
  readonly #text: string;
  #next: number;
  /** Of the lists and maps around the element being read. */
  #depth = 0;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#next = start;
  }

  parse(): ParsedValue {
    this.#skipSpace();
    const begin = this.#next;
    if (begin === this.#text.length) return { kind: 'value', node: this.#scalar(begin, '') };
    const call = /^(\w+)\s*\(/.exec(this.#text.slice(begin));
    const parsed: ParsedValue =
      call === null ? this.#elements() : this.#call(call[1] as string, call[0].length);
    this.#skipSpace();
    if (this.#next < this.#text.length) throw this.#unexpected('the end of the value');
    return parsed;
  }

  /** One element, or several with commas between them, which is a sweep. */
  #elements(): ParsedValue {
    const choices = this.#choices();
    const [only] = choices;
    return choices.length === 1 && only ? { kind: 'value', node: only.node } : { kind: 'sweep', choices };
  }

  #choices(): Choice[] {
    const choices: Choice[] = [];
    do {
      this.#skipSpace();
      const begin = this.#next;
      const node = this.#element(',)');
      choices.push({ text: this.#text.slice(begin, this.#next).trim(), node });
    } while (this.#take(','));
    return choices;
  }

  #call(name: string, length: number): ParsedValue {
    const begin = this.#next;
    if (name !== 'choice' && name !== 'range')
      throw invalidOverride(
        this.#text,
        begin,
        'a value, choice(…) or range(…)',
        'write the value itself, or put it in quotes',
      );
    this.#next += length;
    const choices = name === 'choice' ? this.#choices() : this.#range(begin);
    this.#expect(')');
    return { kind: 'sweep', choices };
  }

  /** `range(stop)`, `range(start, stop)`, `range(start, stop, step)`, or by name. */
  #range(begin: number): Choice[] {
    const positional: number[] = [];
    const named = new Map<string, number>();
    do {
      const name = this.#rangeName();
      if (name === undefined ? named.size > 0 : named.has(name)) throw this.#invalidRange(begin);
      if (name === undefined) positional.push(this.#number());
      else named.set(name, this.#number());
    } while (this.#take(','));
    const isStop = positional.length === 1 && named.size === 0;
    for (const [index, value] of positional.entries()) {
      const name = isStop ? 'stop' : (RANGE_NAMES[index] ?? 'stop');
      if (named.has(name)) throw this.#invalidRange(begin);
      named.set(name, value);
    }
    const [start = 0, stop, step = 1] = RANGE_NAMES.map((name) => named.get(name));
    const values = stop === undefined ? undefined : rangeValues(start, stop, step, MAX_CHOICES);
    if (values === undefined) throw this.#invalidRange(begin);
    return values.map((value) => ({ text: String(value), node: this.#scalar(begin, value) }));
  }

  #rangeName(): string | undefined {
    this.#skipSpace();
    const match = /^(start|stop|step)\s*=\s*/.exec(this.#text.slice(this.#next));
    this.#next += match?.[0].length ?? 0;
    return match?.[1];
  }

  #invalidRange(begin: number): Cifar10Error {
    const expected = `range(start, stop, step) of at most ${MAX_CHOICES} values, the step not 0`;
    return invalidOverride(this.#text, begin, expected, 'correct the range');
  }

  #number(): number {
    const begin = this.#next;
    const node = this.#element(',)');
    if (node.kind === 'scalar' && typeof node.value === 'number' && Number.isFinite(node.value))
      return node.value;
    throw invalidOverride(this.#text, begin, 'a number', 'give range only numbers');
  }

  /** `ends`: the characters that end a text without quotes here. */
  #element(ends: string): Node {
    this.#skipSpace();
    if (++this.#depth > MAX_DEPTH) throw this.#unexpected(`lists and maps in at most ${MAX_DEPTH} others`);
    try {
      return this.#elementHere(ends);
    } finally {
      this.#depth--;
    }
  }

  #elementHere(ends: string): Node {
    const begin = this.#next;
    if (this.#take('['))
      return { kind: 'list', at: this.#at(begin), items: this.#items(']', () => this.#element(',]')) };
    if (this.#take('{')) {
      const entries = new Map(this.#items('}', () => this.#pair()));
      return { kind: 'map', at: this.#at(begin), entries };
    }
    const quote = this.#text[begin];
    if (quote === "'" || quote === '"') return this.#scalar(begin, this.#quoted(quote));
    return this.#primitive(ends);
  }

  #items<Item>(close: string, readItem: () => Item): Item[] {
    const items: Item[] = [];
    this.#skipSpace();
    if (this.#take(close)) return items;
    do items.push(readItem());
    while (this.#take(','));
    this.#expect(close);
    return items;
  }

  #pair(): [string, Entry] {
    this.#skipSpace();
    const begin = this.#next;
    const key = this.#element(':}');
    if (key.kind !== 'scalar') throw invalidOverride(this.#text, begin, 'a key', QUOTE_IT);
    assertKey(String(key.value), this.#at(begin));
    this.#expect(':');
    return [String(key.value), { keyAt: this.#at(begin), node: this.#element(',}') }];
  }

  /** Quotes are escaped by a backslash, backslashes only where they stand before a quote. */
  #quoted(quote: string): string {
    const begin = this.#next;
    const pattern = quote === '"' ? /"((?:\\.|[^"\\])*)"/sy : /'((?:\\.|[^'\\])*)'/sy;
    pattern.lastIndex = begin;
    const match = pattern.exec(this.#text);
    if (match === null) throw invalidOverride(this.#text, begin, `a closing ${quote}`, 'close the quotes');
    this.#next = pattern.lastIndex;
    const beforeQuote = quote === '"' ? /(\\+)(?="|$)/g : /(\\+)(?='|$)/g;
    return (match[1] as string).replace(beforeQuote, (run) => '\\'.repeat(Math.floor(run.length / 2)));
  }

  #primitive(ends: string): Node {
    const begin = this.#next;
    let value = '';
    let kept = 0; // up to here spaces at the end are meant
    let isPlain = true;
    while (this.#next < this.#text.length) {
      const piece = this.#piece(ends);
      if (piece === undefined) break;
      value += piece.text;
      if (piece.isMeant) kept = value.length;
      isPlain &&= piece.isPlain;
    }
    value = value.slice(0, kept) + value.slice(kept).trimEnd();
    if (this.#next === begin) throw this.#unexpected('a value');
    return this.#scalar(begin, isPlain ? toScalar(value) : value);
  }

  /** The next piece of a text without quotes; undefined at its end. */
  #piece(ends: string): { text: string; isMeant: boolean; isPlain: boolean } | undefined {
    const character = this.#text[this.#next] as string;
    if (this.#text.startsWith('${', this.#next))
      return { text: this.#reference(), isMeant: true, isPlain: false };
    if (character === '\\') {
      const escaped = this.#text[this.#next + 1];
      const isEscape = escaped !== undefined && ESCAPABLE.has(escaped);
      this.#next += isEscape ? 2 : 1;
      return { text: isEscape ? escaped : character, isMeant: true, isPlain: false };
    }
    if (ends.includes(character)) return undefined;
    const isSpace = character === ' ' || character === '\t';
    if (!isSpace && !PLAIN.test(character))
      throw this.#unexpected('a letter, a digit or one of / - + . $ % * @ ? | : \\');
    this.#next++;
    return { text: character, isMeant: !isSpace, isPlain: true };
  }

  /** `${…}` with whatever stands in it. */
  #reference(): string {
    const begin = this.#next;
    const end = endOfReference(this.#text, begin);
    if (end === undefined) throw invalidOverride(this.#text, begin, 'a closing }', 'close the reference');
    this.#next = end;
    return this.#text.slice(begin, end);
  }

  #scalar(begin: number, value: Scalar): Node {
    return { kind: 'scalar', at: this.#at(begin), value };
  }

  #at(index: number): Place {
    return { kind: 'override', text: this.#text, character: index + 1 };
  }

  #skipSpace(): void {
    while (/[ \t]/.test(this.#text[this.#next] ?? '')) this.#next++;
  }

  /** Goes over the character if it comes next, spaces around it included. */
  #take(character: string): boolean {
    const begin = this.#next;
    this.#skipSpace();
    const isNext = this.#text[this.#next] === character;
    if (!isNext) this.#next = begin;
    else this.#next++;
    return isNext;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#unexpected(`"${character}"`);
  }

  #unexpected(expected: string): Cifar10Error {
    return invalidOverride(this.#text, this.#next, expected, QUOTE_IT);
  }
}

/** The index behind the `}` that closes the `${` at `begin`; undefined if none does. */
export function endOfReference(text: string, begin: number): number | undefined {
  let depth = 0;
  let quote: string | undefined;
  for (let index = begin; index < text.length; index++) {
    const character = text[index] as string;
    if (character === '\\') index++;
    else if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return index + 1;
  }
  return undefined;
}
