// Owns judging JSON text before JSON.parse makes a value of it: how deep it nests, how much it holds, and whether an object
// has a name twice, which JSON.parse hides. Must not need memory or stack that grow with a text that is refused, and must
// take text that is no JSON at all: that is for JSON.parse to say.
import { quoted } from '../printable.js';

export interface JsonLimits {
  /** How many brackets may be open at once. */
  readonly depth: number;
  /** How many keys one object may have, and all together. */
  readonly ownNames: number;
  readonly names: number;
  /** How many values there may be, the objects and lists among them. */
  readonly values: number;
}

/** What is wrong with a text, in the words of an error. */
export interface JsonFlaw {
  readonly expected: string;
  readonly found: string;
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const COLON = ':'.charCodeAt(0);
const COMMA = ','.charCodeAt(0);
const OPENING = new Set(['{', '['].map((bracket) => bracket.charCodeAt(0)));
const CLOSING = new Set(['}', ']'].map((bracket) => bracket.charCodeAt(0)));

/** The first breach of the limits, or the first name that stands twice in the same object, escapes resolved. */
export function findFlaw(json: string, limits: JsonLimits): JsonFlaw | undefined {
  const scan = new Scan(limits);
  let begin = 0; // of the string before
  let end = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    let flaw: JsonFlaw | undefined;
    if (code === QUOTE) {
      begin = at;
      end = endOfString(json, at);
      at = end - 1;
    } else if (OPENING.has(code)) flaw = scan.open();
    else if (CLOSING.has(code)) scan.close();
    else if (code === COMMA) flaw = scan.countValue();
    else if (code === COLON) flaw = scan.addName(nameIn(json, begin, end));
    if (flaw) return flaw;
  }
  return undefined;
}

/** Behind the closing quote, or behind the text where there is none. */
function endOfString(json: string, begin: number): number {
  for (let at = begin + 1; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return json.length;
}

const MAX_LISTED = 8;

/** The names of one object: those of a small one in a list, which takes next to nothing and serves the next object too. */
class Names {
  readonly #list: string[] = [];
  #set: Set<string> | undefined;

  get size(): number {
    return this.#set?.size ?? this.#list.length;
  }

  has(name: string): boolean {
    return this.#set?.has(name) ?? this.#list.includes(name);
  }

  add(name: string): void {
    if (this.#set) this.#set.add(name);
    else if (this.#list.push(name) > MAX_LISTED) this.#set = new Set(this.#list);
  }

  clear(): void {
    this.#list.length = 0;
    this.#set = undefined;
  }
}

class Scan {
  readonly #limits: JsonLimits;
  /** By depth, of the brackets that are open and of some that were. */
  readonly #names: Names[] = [];
  #depth = 0;
  #nameCount = 0;
  #valueCount = 0;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  open(): JsonFlaw | undefined {
    const { depth } = this.#limits;
    if (this.#depth === depth) return { expected: `at most ${depth} brackets in each other`, found: 'more' };
    this.#depth += 1;
    this.#names[this.#depth]?.clear();
    return this.countValue();
  }

  close(): void {
    this.#depth = Math.max(0, this.#depth - 1);
  }

  /** To be called for each bracket and each comma: together they are no fewer than the values, but for one. */
  countValue(): JsonFlaw | undefined {
    const { values } = this.#limits;
    return ++this.#valueCount > values ? { expected: `at most ${values} values`, found: 'more' } : undefined;
  }

  addName(name: string): JsonFlaw | undefined {
    const { names, ownNames } = this.#limits;
    if (++this.#nameCount > names) return { expected: `at most ${names} names`, found: 'more' };
    this.#names[this.#depth] ??= new Names();
    const known = this.#names[this.#depth] as Names;
    if (known.has(name)) return { expected: 'unique names', found: `${quoted(name)} twice` };
    if (known.size === ownNames)
      return { expected: `at most ${ownNames} names in one object`, found: 'more' };
    known.add(name);
    return undefined;
  }
}

/** The string that stands there with its quotes; where it is none, which JSON.parse will say of the whole, as it stands. */
function nameIn(json: string, begin: number, end: number): string {
  const name = json.slice(begin + 1, end - 1);
  if (!name.includes('\\')) return name;
  try {
    return JSON.parse(json.slice(begin, end)) as string;
  } catch {
    return name;
  }
}
