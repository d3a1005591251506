// Owns judging JSON text before JSON.parse makes a value of it: how deep it nests, how much it holds, and whether an object
// has a name twice, which JSON.parse hides. Must not need memory or stack that grow with a text that is refused, and must
// take text that is no JSON at all: that is for JSON.parse to say.

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
  let string: [begin: number, end: number] = [0, 0];
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    let flaw: JsonFlaw | undefined;
    if (code === QUOTE) {
      const end = endOfString(json, at);
      string = [at, end];
      at = end - 1;
    } else if (OPENING.has(code)) flaw = scan.open();
    else if (CLOSING.has(code)) scan.close();
    else if (code === COMMA) flaw = scan.countValue();
    else if (code === COLON) flaw = scan.addName(json.slice(...string));
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

class Scan {
  readonly #limits: JsonLimits;
  /** Of the open brackets; a list has none, nor has an object before its first. */
  readonly #names: (Set<string> | undefined)[] = [];
  #nameCount = 0;
  #valueCount = 0;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  open(): JsonFlaw | undefined {
    const { depth } = this.#limits;
    if (this.#names.length === depth)
      return { expected: `at most ${depth} brackets in each other`, found: 'more' };
    this.#names.push(undefined);
    return this.countValue();
  }

  close(): void {
    this.#names.pop();
  }

  /** To be called for each bracket and each comma: together they are no fewer than the values, but for one. */
  countValue(): JsonFlaw | undefined {
    const { values } = this.#limits;
    return ++this.#valueCount > values ? { expected: `at most ${values} values`, found: 'more' } : undefined;
  }

  /** `token`: with its quotes. */
  addName(token: string): JsonFlaw | undefined {
    const { names, ownNames } = this.#limits;
    if (++this.#nameCount > names) return { expected: `at most ${names} names`, found: 'more' };
    const level = this.#names.length - 1;
    const known = this.#names[level] ?? new Set();
    const name = unquote(token);
    if (known.has(name)) return { expected: 'unique names', found: `"${name}" twice` };
    if (known.size === ownNames)
      return { expected: `at most ${ownNames} names in one object`, found: 'more' };
    known.add(name);
    if (level >= 0) this.#names[level] = known;
    return undefined;
  }
}

/** The string that the token stands for; where it is none, which JSON.parse will say of the whole, the token. */
function unquote(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1);
  try {
    return JSON.parse(token) as string;
  } catch {
    return token;
  }
}
