// Owns reading one YAML file of the configuration into a tree with places, and the `# @package` line above it.
// Must not know what the keys mean.
import { readFileSync } from 'node:fs';
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type ScalarTag,
  type Node as YamlNode,
} from 'yaml';
import { Cifar10Error, systemCode } from '../../errors.js';
import { describePlace, type Entry, type MapNode, type Node, type Place, type Scalar } from './node.js';

export interface YamlFile {
  readonly path: string;
  /** What the `# @package` line says; undefined without one. */
  readonly packageHeader: string | undefined;
  readonly root: MapNode;
}

/** `50_000`, which OmegaConf's YAML 1.1 reads as an integer and YAML 1.2 as a text. */
export const GROUPED_INTEGER: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?[1-9]\d*(?:_\d+)+$/,
  resolve: (text) => Number(text.replaceAll('_', '')),
};

/**
 * Reads a file that holds a map; an empty file is an empty map.
 * Errors: `CONFIG_FILE_NOT_FOUND`, `CONFIG_FILE_INVALID` with line and column.
 */
export function readYamlFile(path: string): YamlFile {
  return parseYaml(path, readText(path));
}

/** The same for a text that came from `path`. */
function parseYaml(path: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    logLevel: 'error', // with it, a second document in the file is an error
    prettyErrors: true,
    merge: true,
    customTags: (tags) => [GROUPED_INTEGER, ...tags],
  });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) {
    const { line, col } = problem.linePos?.[0] ?? { line: 1, col: 1 };
    const at: Place = { kind: 'file', file: path, line, column: col };
    throw invalidFile(at, 'valid YAML', firstLine(problem.message), problem);
  }
  const root = new TreeReader(path, document, lines).read();
  return { path, packageHeader: packageHeaderOf(path, text), root };
}

/** The error for a config file whose content is not what it must be. */
export function invalidFile(at: Place, expected: string, found: string, cause?: unknown): Cifar10Error {
  return new Cifar10Error('CONFIG_FILE_INVALID', {
    what: `the config at ${describePlace(at)} cannot be used`,
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
    const at: Place = { kind: 'file', file: path, line: 1, column: 1 };
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw invalidFile(at, 'a file this user can read', code ?? String(error), error);
    throw new Cifar10Error('CONFIG_FILE_NOT_FOUND', {
      what: `config file "${path}" does not exist`,
      nextStep: 'check the path given as the config file',
      cause: error,
    });
  }
}

/** As Hydra reads it: above the first line that is neither empty nor begins with `# @`. */
function packageHeaderOf(path: string, text: string): string | undefined {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const header = /^\s*#\s*@(\w+)\s*(.*?)\s*$/.exec(line);
    if (header === null && line.trim() !== '') return undefined;
    if (header?.[1] !== 'package') continue;
    if (/^\S*$/.test(header[2] as string)) return header[2];
    const at: Place = { kind: 'file', file: path, line: index + 1, column: 1 };
    throw invalidFile(at, '# @package and one package', `"${line.trim()}"`);
  }
  return undefined;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message;
}

/** Walks the plain value, which has aliases and merge keys resolved, beside the YAML nodes, which have positions. */
class TreeReader {
  readonly #path: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  /** The collections around the value being read. */
  readonly #open = new Set<object>();

  constructor(path: string, document: Document.Parsed, lines: LineCounter) {
    this.#path = path;
    this.#document = document;
    this.#lines = lines;
  }

  read(): MapNode {
    const start: Place = { kind: 'file', file: this.#path, line: 1, column: 1 };
    const { contents } = this.#document;
    const root = this.#tree(this.#plainValue(start) ?? {}, contents, start);
    if (root.kind === 'map') return root;
    throw invalidFile(root.at, 'a map of keys', `a ${root.kind === 'list' ? 'list' : 'single value'}`);
  }

  /** Aliases that multiply without end are found only here. */
  #plainValue(start: Place): unknown {
    try {
      return this.#document.toJS() as unknown;
    } catch (error) {
      throw invalidFile(start, 'valid YAML', firstLine((error as Error).message), error);
    }
  }

  #tree(value: unknown, source: unknown, fallback: Place): Node {
    const at = this.#placeOf(source, fallback);
    if (typeof value !== 'object' || value === null) return { kind: 'scalar', at, value: value as Scalar };
    if (this.#open.has(value)) throw invalidFile(at, 'aliases that come to an end', 'one that holds itself');
    this.#open.add(value);
    try {
      return this.#collection(value, isAlias(source) ? source.resolve(this.#document) : source, at);
    } finally {
      this.#open.delete(value);
    }
  }

  #collection(value: object, node: unknown, at: Place): Node {
    if (Array.isArray(value)) {
      const items = isSeq(node) ? node.items : [];
      return { kind: 'list', at, items: value.map((item, index) => this.#tree(item, items[index], at)) };
    }
    const pairs = isMap(node) ? node.items : [];
    const entries = Object.entries(value).map(
      ([key, item]) => [key, this.#entry(key, item, pairs, at)] as const,
    );
    return { kind: 'map', at, entries: new Map(entries) };
  }

  #entry(key: string, value: unknown, pairs: readonly Pair[], at: Place): Entry {
    const pair = pairs.find(({ key: name }) => isScalar(name) && String(name.value) === key);
    const keyAt = this.#placeOf(pair?.key, at);
    return { keyAt, node: this.#tree(value, pair?.value, keyAt) };
  }

  #placeOf(source: unknown, fallback: Place): Place {
    const offset = isNode(source) ? (source as YamlNode).range?.[0] : undefined;
    if (offset === undefined) return fallback;
    const { line, col } = this.#lines.linePos(offset);
    return { kind: 'file', file: this.#path, line, column: col };
  }
}
