// Owns what the tests of composition share: folders of configs to compose, and plain results.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { composeTree, interpolate, toPlain } from '../../../../lib/config/composition/index.js';
import { fromPlain, IN_PROGRAM, type MapNode } from '../../../../lib/config/composition/node.js';
import { temporaryFolder } from '../../../support.js';

const ENVIRONMENT = { CASE_SET: 'value', CASE_NUMBER: '10' };
const NOW = new Date(2026, 0, 31, 9, 5, 7);

export const NO_VARIANTS: ReadonlySet<string> = new Set<string>();
/** For configs of any keys. */
export const ANY_KEY = { variants: NO_VARIANTS, validKeys: undefined };

export const tree = (value: unknown) => fromPlain(value, IN_PROGRAM) as MapNode;
export const resolved = (node: MapNode) => toPlain(interpolate(node, { env: ENVIRONMENT, now: NOW }));

/** Texts of files by their path. */
export type Files = Readonly<Record<string, string>>;

export function writeFiles(files: Files): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** The plain tree that the files give with the overrides, and with a config file of the user. */
export function compose(files: Files, overrides: readonly string[] = [], config?: string): unknown {
  const folder = writeFiles(files);
  const path = config === undefined ? undefined : join(writeFiles({ 'mine.yaml': config }), 'mine.yaml');
  return resolved(composeTree({ folders: [folder], config: path, overrides }, ANY_KEY).tree);
}

export const DB: Files = {
  'config.yaml': 'defaults:\n  - db: mysql\n  - _self_\nname: app\n',
  'db/mysql.yaml': 'driver: mysql\nuser: omry\n',
  'db/postgresql.yaml': 'driver: postgresql\nuser: postgres\ntimeout: 10\n',
};
export const GLOBAL = '# @package _global_\n';
