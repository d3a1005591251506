// Overrides and sweeps by the rules of hydra.cc, "Basic override syntax" and "Multi-run".
import { describe, expect, test } from 'vitest';
import { composeTree, expandSweep, toPlain } from '../../../../lib/config/composition/index.js';
import { compose, writeFiles } from './support.js';

describe('overrides of values', () => {
  const files = { 'config.yaml': 'a: {x: 1, y: [1, 2], n: null, m: ???}\nb: text\n' };
  const a = { x: 1, y: [1, 2], n: null, m: 0 };

  test.each<[readonly string[], unknown]>([
    [['a.x=2'], { a: { ...a, x: 2 }, b: 'text' }],
    [['a.x=2', 'a.x=3'], { a: { ...a, x: 3 }, b: 'text' }],
    [['a.y=[3]'], { a: { ...a, y: [3] }, b: 'text' }],
    [['a.y.0=9'], { a: { ...a, y: [9, 2] }, b: 'text' }],
    [['a={x: 5}'], { a: { ...a, x: 5 }, b: 'text' }],
    [['b={z: 1}'], { a, b: { z: 1 } }],
    [['b=null'], { a, b: null }],
    [['+a.z=1'], { a: { ...a, z: 1 }, b: 'text' }],
    [['+c.d.e=1'], { a, b: 'text', c: { d: { e: 1 } } }],
    [['+a.n=1'], { a: { ...a, n: 1 }, b: 'text' }],
    [['+a={z: 1}'], { a: { ...a, z: 1 }, b: 'text' }],
    [['+a.y=[7]'], { a: { ...a, y: [7] }, b: 'text' }],
    [['++a.x=2'], { a: { ...a, x: 2 }, b: 'text' }],
    [['++a.z=2'], { a: { ...a, z: 2 }, b: 'text' }],
    [['++a.n.deep=2'], { a: { ...a, n: { deep: 2 } }, b: 'text' }],
    [['~b'], { a }],
    [['~a.x'], { a: { y: [1, 2], n: null, m: 0 }, b: 'text' }],
    [['~b=text'], { a }],
    [['~a.y=[1,2]'], { a: { x: 1, n: null, m: 0 }, b: 'text' }],
    [['~b', '+b=1'], { a, b: 1 }],
    [['b=[{x: 1, y: 2}]', '~b.0.x'], { a, b: [{ y: 2 }] }],
    [['b={x: 1, y: 2}', '~b={y: 2, x: 1}'], { a }],
    [["b='1'"], { a, b: '1' }],
    [['b=${a.x}'], { a, b: 1 }],
    [['b=n_${a.x}'], { a, b: 'n_1' }],
  ])('%j', (overrides, expected) => {
    expect(compose(files, ['a.m=0', ...overrides])).toEqual(expected);
  });
});

describe('sweeps', () => {
  test.each<[readonly string[], readonly (readonly string[])[]]>([
    [[], [[]]],
    [['a=1'], [['a=1']]],
    [['a=1,2'], [['a=1'], ['a=2']]],
    [
      ['a=1,2', 'b=x,y'],
      [
        ['a=1', 'b=x'],
        ['a=1', 'b=y'],
        ['a=2', 'b=x'],
        ['a=2', 'b=y'],
      ],
    ],
    [['a=choice(p, q)'], [['a=p'], ['a=q']]],
    [["a='x,y',z"], [["a='x,y'"], ['a=z']]],
    [['a=[1,2],[3]'], [['a=[1,2]'], ['a=[3]']]],
    [['a={p:1},{p:2}'], [['a={p:1}'], ['a={p:2}']]],
    [['a=range(3)'], [['a=0'], ['a=1'], ['a=2']]],
    [['a=range(1,4)'], [['a=1'], ['a=2'], ['a=3']]],
    [['a=range(0,10,4)'], [['a=0'], ['a=4'], ['a=8']]],
    [['a=range(3,0,-1)'], [['a=3'], ['a=2'], ['a=1']]],
    [['a=range(start=1,stop=3)'], [['a=1'], ['a=2']]],
    [['a=range(0,0.5,0.1)'], [['a=0'], ['a=0.1'], ['a=0.2'], ['a=0.3'], ['a=0.4']]],
    [['a=range(5,5)'], []],
    [['+a=1,2'], [['+a=1'], ['+a=2']]],
    [['a=\\,b,c'], [['a=\\,b'], ['a=c']]],
  ])('%j', (overrides, jobs) => {
    expect(expandSweep(overrides)).toEqual(jobs);
  });
});

describe('a name that changes', () => {
  const files = { 'config.yaml': 'opt: {name: muon, steps: 3, lr: 1}\n' };
  const variants = { variants: new Set(['opt']), validKeys: undefined };
  const compose = (override: string) =>
    toPlain(
      composeTree({ folders: [writeFiles(files)], config: undefined, overrides: [override] }, variants).tree,
    );

  test('starts the map anew, the same name keeps it', () => {
    expect(compose('opt={name: sgd, lr: 2}')).toEqual({ opt: { name: 'sgd', lr: 2 } });
    expect(compose('opt={name: muon, lr: 2}')).toEqual({ opt: { name: 'muon', steps: 3, lr: 2 } });
  });
});
