// Writes docs/configuration-keys.md, the table of every key, as `config keys` knows them; with --check it writes nothing and
// fails where the file is another. Needs dist/: npm run build:ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listKeys } from '../dist/lib/config/schema-keys.js';
import { composeConfig, documentKeys, listGroups } from '../dist/lib/index.js';

const FILE = 'docs/configuration-keys.md';
const PATH = join(dirname(dirname(fileURLToPath(import.meta.url))), FILE);
const SURROUNDINGS = { env: {}, now: new Date(0) };
const DEFAULTS = composeConfig(SURROUNDINGS).unresolved;

const INTRODUCTION = `# Configuration keys

Written by \`npm run docs:keys\` from the schema and from the defaults in \`conf/\`. Defaults are those of the default recipe; keys that only
one variant has stand in a table of their own, with the defaults of the first option that has them. An option of \`conf/\` may set
others: \`npx cifar10-torch config keys model=resnet20\` lists the same for what is picked. How to set a key:
[configuration.md](configuration.md).
`;

/** The sections: one for each group, one for the keys of none. */
function describeAll() {
  const keys = documentKeys(SURROUNDINGS);
  const groupOf = ({ path }) => listGroups().find((group) => path.startsWith(`${group}.`));
  const groups = [...new Set(keys.map(groupOf))];
  const sections = groups.flatMap((group) => {
    const own = keys.filter((key) => groupOf(key) === group);
    const title = group === undefined ? 'Of no group' : `\`${group}\``;
    return [`## ${title}\n`, ...describeGroup(own)];
  });
  return [INTRODUCTION, ...sections].join('\n');
}

/** The table of the keys that are always there, then one for each variant with keys of its own. */
function describeGroup(keys) {
  const variantOf = ({ variants }) => variants.map(([path, name]) => `${path}.name=${name}`).join();
  const names = [...new Set(keys.map(variantOf))];
  const variants = names.map((name) => [name, keys.filter((key) => variantOf(key) === name)]);
  const parts = [];
  const always = variants.flatMap(([variant, own]) => (variant === '' ? own : nameRow(keys, own)));
  if (always.length > 0) parts.push(table(always));
  for (const [variant, own] of variants) {
    const others = own.filter((key) => !isName(key));
    if (variant !== '' && others.length > 0)
      parts.push(`### \`${variant}\`\n`, `${originOf(others)}\n`, table(others));
  }
  return parts;
}

function isName({ path, variants }) {
  return variants.some(([map]) => path === `${map}.name`);
}

/** All names of a variant in one row, in the place of the first. */
function nameRow(keys, own) {
  const name = own.find(isName);
  const same = keys.filter(({ path }) => path === name.path);
  if (same[0] !== name) return [];
  const map = name.path.slice(0, -'.name'.length);
  const { description } = listKeys().find(({ path }) => path === map);
  const expected = `one of ${same.map(({ values }) => values[0]).join(', ')}`;
  return [{ path: name.path, default: valueAt(DEFAULTS, name.path), expected, description }];
}

function originOf([{ from, default: value }]) {
  if (from !== null) return `Defaults of \`${from}\`.`;
  return value === undefined
    ? 'No option has it: its keys are given with the name.'
    : 'Defaults of the default recipe.';
}

const HEADINGS = ['key', 'default', 'range', 'meaning'];

function table(keys) {
  const rows = keys.map((key) => [
    code(key.path),
    key.default === undefined ? '–' : code(asYaml(key.default)),
    escapeText(key.expected),
    escapeText(key.description),
  ]);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(...[heading, ...rows.map((row) => row[i])].map(({ length }) => length)),
  );
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |\n`;
  return [HEADINGS, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('');
}

function asYaml(value) {
  if (Array.isArray(value)) return `[${value.map(asYaml).join(', ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function code(text) {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function escapeText(text) {
  return text.replace(/[\\|<*`]/g, '\\$&');
}

function valueAt(tree, path) {
  return path.split('.').reduce((value, key) => value[key], tree);
}

const text = describeAll();
if (!process.argv.includes('--check')) writeFileSync(PATH, text);
else if (readFileSync(PATH, 'utf8') !== text) {
  console.error(`${FILE} is not what the schema says: npm run docs:keys`);
  process.exitCode = 1;
}
