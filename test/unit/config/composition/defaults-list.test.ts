// Defaults lists by the rules of hydra.cc, "The Defaults List" and "Packages", on small folders of configs.
import { describe, expect, test } from 'vitest';
import { compose, DB, type Files, GLOBAL } from './support.js';

describe('defaults lists', () => {
  test.each<[string, Files, readonly string[], unknown]>([
    [
      'a group option lands in the package of its group',
      DB,
      [],
      { db: { driver: 'mysql', user: 'omry' }, name: 'app' },
    ],
    [
      'a group override replaces the option',
      DB,
      ['db=postgresql', 'db.timeout=20'],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 20 }, name: 'app' },
    ],
    [
      'group overrides come before values, whatever their order',
      DB,
      ['db.timeout=20', 'db=postgresql'],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 20 }, name: 'app' },
    ],
    ['a deleted group is left out', DB, ['~db'], { name: 'app' }],
    ['a deletion may name the option', DB, ['~db=mysql'], { name: 'app' }],
    [
      'without _self_ the values of the file come last',
      { 'config.yaml': 'defaults:\n  - a: x\na: {v: file}\n', 'a/x.yaml': 'v: option\nw: option\n' },
      [],
      { a: { v: 'file', w: 'option' } },
    ],
    [
      'with _self_ first the options win',
      { 'config.yaml': 'defaults:\n  - _self_\n  - a: x\na: {v: file}\n', 'a/x.yaml': 'v: option\n' },
      [],
      { a: { v: 'option' } },
    ],
    [
      'of two options that define a value the later wins',
      {
        'config.yaml': 'defaults: [a@_here_: x, b@_here_: y]',
        'a/x.yaml': 'v: a\nw: a\n',
        'b/y.yaml': 'v: b\n',
      },
      [],
      { v: 'b', w: 'a' },
    ],
    [
      'null is a placeholder',
      { ...DB, 'config.yaml': 'defaults: [db: null, _self_]\nname: app\n' },
      [],
      { name: 'app' },
    ],
    [
      'a placeholder can be overridden',
      { ...DB, 'config.yaml': 'defaults: [db: null, _self_]\nname: app\n' },
      ['db=mysql'],
      { db: { driver: 'mysql', user: 'omry' }, name: 'app' },
    ],
    [
      'optional passes over an option that is not there',
      { ...DB, 'config.yaml': 'defaults: [optional db: sqlite, optional cache: redis, _self_]\nname: app\n' },
      [],
      { name: 'app' },
    ],
    [
      'a config by its path, relative to the file that names it',
      {
        'config.yaml': 'defaults: [db: mysql]',
        'db/mysql.yaml': 'defaults: [base, _self_]\nport: 3306\n',
        'db/base.yaml': 'host: localhost\nport: 1\n',
      },
      [],
      { db: { host: 'localhost', port: 3306 } },
    ],
    [
      'a config by an absolute path lands in the package of the file that names it',
      {
        'config.yaml': 'defaults: [db: mysql]',
        'db/mysql.yaml': 'defaults: [/shared/base@_here_, _self_]\nport: 1\n',
        'shared/base.yaml': 'host: h\n',
      },
      [],
      { db: { host: 'h', port: 1 } },
    ],
    [
      'a nested group lands below its parent',
      {
        'config.yaml': 'defaults: [server: apache]',
        'server/apache.yaml': 'defaults: [db: mysql]\nname: apache\n',
        'server/db/mysql.yaml': 'name: mysql\n',
      },
      [],
      { server: { db: { name: 'mysql' }, name: 'apache' } },
    ],
    [
      'a nested group is overridden by its path',
      {
        'config.yaml': 'defaults: [server: apache]',
        'server/apache.yaml': 'defaults: [db: mysql]\nname: apache\n',
        'server/db/mysql.yaml': 'name: mysql\n',
        'server/db/sqlite.yaml': 'name: sqlite\n',
      },
      ['server/db=sqlite'],
      { server: { db: { name: 'sqlite' }, name: 'apache' } },
    ],
    [
      'a list of options merges in its order',
      {
        'config.yaml': 'defaults: [site: [fb, google]]',
        'site/fb.yaml': 'fb: 1\nlast: fb\n',
        'site/google.yaml': 'google: 1\nlast: google\n',
      },
      [],
      { site: { fb: 1, google: 1, last: 'google' } },
    ],
    [
      'a package header moves the values',
      { 'config.yaml': 'defaults: [db: mysql]', 'db/mysql.yaml': '# @package a.b\nx: 1\n' },
      [],
      { a: { b: { x: 1 } } },
    ],
    [
      'a package in the item comes before the header',
      { 'config.yaml': 'defaults: [db@backup: mysql]', 'db/mysql.yaml': '# @package a.b\nx: 1\n' },
      [],
      { backup: { x: 1 } },
    ],
    [
      'one group under two packages',
      { ...DB, 'config.yaml': 'defaults: [db@src: mysql, db@dst: mysql]' },
      ['db@dst=postgresql'],
      {
        src: { driver: 'mysql', user: 'omry' },
        dst: { driver: 'postgresql', user: 'postgres', timeout: 10 },
      },
    ],
    [
      'an experiment overrides groups and values',
      {
        ...DB,
        'experiment/big.yaml': `${GLOBAL}defaults: [override /db: postgresql]\nname: big\ndb: {timeout: 99}\n`,
      },
      ['+experiment=big'],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 99 }, name: 'big' },
    ],
    [
      'the command line wins over an experiment',
      { ...DB, 'experiment/big.yaml': `${GLOBAL}defaults: [override /db: postgresql]\nname: big\n` },
      ['+experiment=big', 'db=mysql', 'name=mine'],
      { db: { driver: 'mysql', user: 'omry' }, name: 'mine' },
    ],
    [
      'of two overrides the outer one counts',
      {
        ...DB,
        'config.yaml': 'defaults: [db: mysql, app: x, override db: postgresql]',
        'app/x.yaml': `${GLOBAL}defaults: [override /db: mysql]\n`,
      },
      [],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 10 } },
    ],
    [
      'an override in a later item reaches an earlier group',
      {
        ...DB,
        'config.yaml': 'defaults: [db: mysql, app: x]',
        'app/x.yaml': 'defaults: [override /db@_global_.db: postgresql]\nv: 1\n',
      },
      [],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 10 }, app: { v: 1 } },
    ],
    [
      'a group override with a map sets values',
      DB,
      ['db={user: me}'],
      { db: { driver: 'mysql', user: 'me' }, name: 'app' },
    ],
    [
      'an option that must be picked is picked',
      { ...DB, 'config.yaml': 'defaults: [db: ???]' },
      ['db=mysql'],
      { db: { driver: 'mysql', user: 'omry' } },
    ],
  ])('%s', (_name, files, overrides, expected) => {
    expect(compose(files, overrides)).toEqual(expected);
  });

  test('a package header counts only above all other comments, as with Hydra', () => {
    const files = (head: string) => ({
      'config.yaml': 'defaults: [db: mysql]',
      'db/mysql.yaml': `${head}x: 1\n`,
    });
    expect(compose(files('\n# @package a\n# words\n'))).toEqual({ a: { x: 1 } });
    expect(compose(files('# words\n# @package a\n'))).toEqual({ db: { x: 1 } });
  });

  test('merge keys and aliases of YAML are resolved, 1_000 is an integer', () => {
    const text = 'x: &base {p: 1, n: 1_000}\ny: {<<: *base, p: 2}\nz: *base\n';
    expect(compose({ 'config.yaml': text })).toEqual({
      x: { p: 1, n: 1000 },
      y: { p: 2, n: 1000 },
      z: { p: 1, n: 1000 },
    });
  });
});

describe('a config file of the user', () => {
  const mysql = { driver: 'mysql', user: 'omry' };

  test.each<[string, string, readonly string[], unknown]>([
    ['stands on the root config', 'name: mine\n', [], { db: mysql, name: 'mine' }],
    [
      'picks a group that the root config picks as well',
      'defaults: [db: postgresql]\ndb: {timeout: 1}\n',
      [],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 1 }, name: 'app' },
    ],
    [
      'with _self_ first yields to its own picks',
      'defaults: [_self_, db: postgresql]\ndb: {timeout: 1}\n',
      [],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 10 }, name: 'app' },
    ],
    [
      'may use the override keyword',
      'defaults: [override /db: postgresql, _self_]\n',
      [],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 10 }, name: 'app' },
    ],
    [
      'may name the root config itself',
      'defaults: [config, override db: postgresql]\nname: mine\n',
      [],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 10 }, name: 'mine' },
    ],
    [
      'yields to the command line',
      'defaults: [db: postgresql]\n',
      ['db=mysql', 'name=x'],
      { db: mysql, name: 'x' },
    ],
    [
      'yields to an experiment of the command line',
      'defaults: [db: mysql]\nname: mine\n',
      ['+experiment=big'],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 10 }, name: 'big' },
    ],
    [
      'keeps its picks from the options it picks',
      'defaults: [db: mysql, app: wants]\n',
      [],
      { db: mysql, name: 'app', app: { v: 1 } },
    ],
    [
      'may be an experiment',
      `${GLOBAL}defaults:\n  - override /db: postgresql\ndb:\n  timeout: 5\n`,
      [],
      { db: { driver: 'postgresql', user: 'postgres', timeout: 5 }, name: 'app' },
    ],
    ['may be empty', '# nothing yet\n', [], { db: mysql, name: 'app' }],
  ])('%s', (_name, config, overrides, expected) => {
    const files = {
      ...DB,
      'experiment/big.yaml': `${GLOBAL}defaults: [override /db: postgresql]\nname: big\n`,
      'app/wants.yaml': 'defaults: [override /db@_global_.db: postgresql]\nv: 1\n',
    };
    expect(compose(files, overrides, config)).toEqual(expected);
  });
});
