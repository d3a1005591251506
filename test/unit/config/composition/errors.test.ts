// What is wrong is said with its place, what was expected, what was found and the next step.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { composeTree, expandSweep } from '../../../../lib/config/composition/index.js';
import { temporaryFolder } from '../../../support.js';
import { ANY_KEY, compose, DB, type Files, writeFiles } from './support.js';

function failureOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('what is wrong is said with its place', () => {
  const config = 'defaults:\n  - db: mysql\n  - _self_\nname: app\nlist: [1]\nref: ${name}\n';
  const base: Files = { ...DB, 'config.yaml': config };

  test.each<[string, string, string]>([
    ['name', 'CONFIG_INVALID_OVERRIDE', 'at character 5: expected "=" and a value, found the end'],
    ['=3', 'CONFIG_INVALID_OVERRIDE', 'at character 1: expected a key such as a.b.c'],
    ['a..b=1', 'CONFIG_INVALID_OVERRIDE', 'at character 1: expected a key'],
    ['a b=1', 'CONFIG_INVALID_OVERRIDE', 'at character 1: expected a key'],
    ['+++a=1', 'CONFIG_INVALID_OVERRIDE', 'at character 3: expected a key'],
    ['db@=mysql', 'CONFIG_INVALID_OVERRIDE', 'at character 4: expected a package'],
    ['name=[1', 'CONFIG_INVALID_OVERRIDE', 'at character 8: expected "]", found the end'],
    ['name=[1,]', 'CONFIG_INVALID_OVERRIDE', 'at character 9: expected a value, found "]"'],
    ['name={a}', 'CONFIG_INVALID_OVERRIDE', 'at character 8: expected ":", found "}"'],
    ["name='x", 'CONFIG_INVALID_OVERRIDE', "at character 6: expected a closing '"],
    ["name='x'y", 'CONFIG_INVALID_OVERRIDE', 'at character 9: expected the end of the value, found "y"'],
    ['name=a#b', 'CONFIG_INVALID_OVERRIDE', 'at character 7: expected a letter'],
    ['name=a=b', 'CONFIG_INVALID_OVERRIDE', 'at character 7: expected a letter'],
    ['name=a)', 'CONFIG_INVALID_OVERRIDE', 'at character 7: expected the end'],
    ['name=${x', 'CONFIG_INVALID_OVERRIDE', 'at character 6: expected a closing }'],
    [
      'name=sort(1,2)',
      'CONFIG_INVALID_OVERRIDE',
      'expected a value, choice(…) or range(…), found "sort(1,2)"',
    ],
    ['name=range(1,2,0)', 'CONFIG_INVALID_OVERRIDE', 'expected range(start, stop, step)'],
    ['name=range(1e9)', 'CONFIG_INVALID_OVERRIDE', 'at most 10000 values'],
    ['name=range(a)', 'CONFIG_INVALID_OVERRIDE', 'expected a number, found "a)"'],
    ['name=1,2', 'CONFIG_INVALID_OVERRIDE', 'found 2 values. Next step: add -m'],
    [
      'nmae=x',
      'CONFIG_UNKNOWN_KEY',
      'character 1): expected a key that is there, found "nmae". Next step: use the nearest key, "name", or write +nmae=x',
    ],
    ['db={usr: x}', 'CONFIG_UNKNOWN_KEY', '"db.usr" is not in the configuration'],
    ['name.x=1', 'CONFIG_UNKNOWN_KEY', '"name.x" is not in the configuration'],
    [
      'list.3=1',
      'CONFIG_UNKNOWN_KEY',
      '"list.3" is not in the list (override "list.3=1", character 1): expected an index from 0 to 0',
    ],
    ['++list.3=1', 'CONFIG_UNKNOWN_KEY', 'expected an index from 0 to 0'],
    ['+name=x', 'CONFIG_INVALID_OVERRIDE', 'config.yaml:4:7. Next step: leave the "+" out: name=x'],
    ['~nmae', 'CONFIG_UNKNOWN_KEY', 'use the nearest valid key, "name"'],
    ['~name=other', 'CONFIG_INVALID_OVERRIDE', 'expected "other", found "app" in '],
    ['list={a: 1}', 'CONFIG_INVALID_VALUE', 'config.yaml:5:7, found a map'],
    ['ref={a: 1}', 'CONFIG_INVALID_VALUE', 'config.yaml:6:6'],
    [
      'db=mysq',
      'CONFIG_UNKNOWN_OPTION',
      'character 1): expected one of mysql, postgresql, found "mysq". Next step: use the nearest, "mysql"',
    ],
    ['db=../db/mysql', 'CONFIG_UNKNOWN_OPTION', 'option "../db/mysql" of "db"'],
    ['dbs/x=mysql', 'CONFIG_UNKNOWN_OPTION', 'config group "dbs/x" with options does not exist'],
    ['db=3', 'CONFIG_INVALID_OVERRIDE', 'expected the name of an option'],
    ['++db=mysql', 'CONFIG_INVALID_OVERRIDE', 'no "++" for a group'],
    [
      '+db=postgresql',
      'CONFIG_INVALID_OVERRIDE',
      '"db" is picked twice (override "+db=postgresql", character 2)',
    ],
    ['db@x=mysql', 'CONFIG_INVALID_OVERRIDE', 'override db, or add the group with +db@x=mysql'],
    ['~db=postgresql', 'CONFIG_INVALID_OVERRIDE', 'expected "db" in a defaults list, with that option'],
    [
      'name=${nmae}',
      'CONFIG_INTERPOLATION',
      'character 6): expected a key that is there, found "nmae". Next step: use the nearest key, "name"',
    ],
    ['name=${name}', 'CONFIG_INTERPOLATION', 'found name → name'],
    ['name=${ref}', 'CONFIG_INTERPOLATION', '→'],
    ['name=${oc.env:CASE_UNSET}', 'CONFIG_INTERPOLATION', 'the environment variable "CASE_UNSET" to be set'],
    ['name=${hydra:x}', 'CONFIG_INTERPOLATION', 'one of the resolvers oc.env, oc.decode, now, found "hydra"'],
    ['name=${}', 'CONFIG_INTERPOLATION', ''],
    ['name=${oc.env:}', 'CONFIG_INTERPOLATION', 'expected 1 or 2 arguments, found 0'],
    [
      'name={a.b: 1}',
      'CONFIG_UNKNOWN_KEY',
      'the key "a.b" cannot be used (override "name={a.b: 1}", character 7)',
    ],
    ['db=mysql,postgresql', 'CONFIG_INVALID_OVERRIDE', 'found 2 values. Next step: add -m'],
    ['name=range(1,start=2)', 'CONFIG_INVALID_OVERRIDE', 'expected range(start, stop, step)'],
    ['name=range(step=2,1,5)', 'CONFIG_INVALID_OVERRIDE', 'expected range(start, stop, step)'],
    ['name=range(0,1e-198,1e-200)', 'CONFIG_INVALID_OVERRIDE', 'several values'],
    ['~list.0', 'CONFIG_INVALID_OVERRIDE', 'removes an item of a list'],
    [
      'name=${oc.env:constructor}',
      'CONFIG_INTERPOLATION',
      'the environment variable "constructor" to be set',
    ],
    [
      "name=${oc.decode:'[1'}",
      'CONFIG_INTERPOLATION',
      'expected a number, a list or another value, found "[1"',
    ],
    ['name=${.....a}', 'CONFIG_INTERPOLATION', 'found ".....a"'],
    ['name=${db..user}', 'CONFIG_INTERPOLATION', 'found "db..user"'],
    [`name=${'['.repeat(20_000)}`, 'CONFIG_INVALID_OVERRIDE', 'in at most 100 others'],
    ['name=???', 'CONFIG_VALUE_MISSING', '"name" must be given (override "name=???", character 6)'],
  ])('override %s: %s', (override, code, text) => {
    const result = failureOf(() => compose(base, [override]));
    expect(result).toMatchObject({ code, message: expect.stringContaining(text) });
  });

  test.each<[string, string, string, string]>([
    [
      'a list at the root',
      '- 1\n',
      'CONFIG_FILE_INVALID',
      'mine.yaml:1:1 cannot be used: expected a map of keys, found a list',
    ],
    ['a key twice', 'a: 1\na: 2\n', 'CONFIG_FILE_INVALID', 'mine.yaml:2:1'],
    ['broken YAML', 'a:\n  b: [1, 2\nc: 1\n', 'CONFIG_FILE_INVALID', 'mine.yaml:3:'],
    ['an alias without anchor', 'a: *x\n', 'CONFIG_FILE_INVALID', 'mine.yaml:1:'],
    ['an unknown tag', 'a: !x y\n', 'CONFIG_FILE_INVALID', 'mine.yaml:1:4'],
    ['an alias to itself', 'a: &x [*x]\n', 'CONFIG_FILE_INVALID', 'mine.yaml'],
    [
      'defaults that are no list',
      'defaults: {db: mysql}\n',
      'CONFIG_FILE_INVALID',
      'mine.yaml:1:11 cannot be used: expected a list under "defaults"',
    ],
    ['an item of two', 'defaults:\n  - {db: mysql, x: y}\n', 'CONFIG_FILE_INVALID', 'mine.yaml:2:5'],
    ['two _self_', 'defaults: [_self_, db: mysql, _self_]\n', 'CONFIG_FILE_INVALID', 'at most one "_self_"'],
    [
      'an item after an override',
      'defaults: [override db: mysql, db@x: mysql]\n',
      'CONFIG_FILE_INVALID',
      'overrides only at the end',
    ],
    [
      'an override of a config',
      'defaults: [override db/mysql]\n',
      'CONFIG_FILE_INVALID',
      'override /group: option',
    ],
    ['a number as option', 'defaults:\n  - db: 3\n', 'CONFIG_FILE_INVALID', 'mine.yaml:2:9'],
    ['a reference as option', 'defaults:\n  - db: ${x}\n', 'CONFIG_FILE_INVALID', 'the name of an option'],
    [
      'an unknown option',
      'defaults:\n  - db: mysq\n',
      'CONFIG_UNKNOWN_OPTION',
      'mine.yaml:2:5): expected one of mysql, postgresql',
    ],
    [
      'an unknown group',
      'defaults:\n  - bd: mysql\n',
      'CONFIG_UNKNOWN_OPTION',
      'mine.yaml:2:5): expected one of db, found "bd"',
    ],
    [
      'an override of nothing',
      'defaults:\n  - override /app: x\n',
      'CONFIG_INVALID_OVERRIDE',
      'mine.yaml:2:5',
    ],
    [
      'a group twice',
      'defaults: [config, db: mysql]\n',
      'CONFIG_FILE_INVALID',
      'write "override /db: mysql"',
    ],
    ['an option to pick', 'defaults: [db: ???]\n', 'CONFIG_VALUE_MISSING', 'add db=<option>'],
    ['a value to give', 'name: ???\nx: ???\n', 'CONFIG_VALUE_MISSING', '"x" must be given'],
    [
      'a reference to nothing',
      'a:\n  b: ${nmae}\n',
      'CONFIG_INTERPOLATION',
      'mine.yaml:2:6): expected a key that is there',
    ],
    ['a reference not closed', 'a: "${name"\n', 'CONFIG_INTERPOLATION', 'mine.yaml:1:4'],
    ['a reference to a value to give', 'a: ${x}\nx: ???\n', 'CONFIG_VALUE_MISSING', '"x" must be given'],
    ['a reference through a text', 'a: ${name.x}\n', 'CONFIG_INTERPOLATION', 'found "name.x"'],
  ])('a file with %s', (_name, text, code, message) => {
    const result = failureOf(() => compose(base, [], text));
    expect(result).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test.each<[string, string, string]>([
    [
      'a dotted key',
      'db.user: me\n',
      'mine.yaml:1:1): expected keys without dots, nested in maps, found "db.user". Next step: write db: {user: …}',
    ],
    ['a second document', 'name: x\n---\nname: y\n', 'mine.yaml:2:1'],
    ['a package of two words', '# @package a b\nname: x\n', 'expected # @package and one package'],
    ['a config that is not there', 'defaults: [base]\n', 'config "base" does not exist'],
  ])('a file with %s', (_name, text, message) => {
    expect(failureOf(() => compose(base, [], text))).toMatchObject({
      message: expect.stringContaining(message),
    });
  });

  test('a defaults list that leads back to itself', () => {
    const files = {
      'config.yaml': 'defaults: [db: a]',
      'db/a.yaml': 'defaults: [b]',
      'db/b.yaml': 'defaults: [a]',
    };
    expect(failureOf(() => compose(files))).toMatchObject({
      code: 'CONFIG_FILE_INVALID',
      found: 'config → db/a → db/b → db/a',
    });
  });

  test('too many jobs of a sweep', () => {
    expect(failureOf(() => expandSweep(['a=range(10000)', 'b=range(10000)']))).toMatchObject({
      code: 'CONFIG_INVALID_OVERRIDE',
      found: '100000000',
    });
  });

  test('a file and a folder that are not there', () => {
    const none = join(temporaryFolder(), 'none');
    const load = (folders: string[], config?: string) => () =>
      composeTree({ folders, config, overrides: [] }, ANY_KEY);
    expect(failureOf(load([writeFiles(DB)], none))).toMatchObject({ code: 'CONFIG_FILE_NOT_FOUND' });
    expect(failureOf(load([writeFiles(DB), none]))).toMatchObject({ code: 'CONFIG_FILE_NOT_FOUND' });
    expect(failureOf(load([writeFiles(DB)], temporaryFolder()))).toMatchObject({
      code: 'CONFIG_FILE_INVALID',
      found: 'EISDIR',
    });
  });

  test('an option of a folder of one’s own that has the name of another', () => {
    const folders = [writeFiles(DB), writeFiles({ 'db/mysql.yaml': 'x: 1\n' })];
    expect(
      failureOf(() => composeTree({ folders, config: undefined, overrides: [] }, ANY_KEY)),
    ).toMatchObject({
      code: 'CONFIG_FILE_INVALID',
      nextStep: expect.stringContaining('rename'),
    });
  });
});
