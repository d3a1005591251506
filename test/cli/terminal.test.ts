// The command line as a person at a terminal of 80 columns sees it: progress, Ctrl-C, how to go on.
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support.js';
import { Terminal } from './terminal.js';

const NET = ['data_loading=sample', 'model.widths=[8,8,8]', 'training.tta_level=0'];
const BAR =
  /^[█░]{5,30} +\d+ % epoch \d+\/\d+ step \d+\/\d+ \d+ img\/s loss \d\.\d{3} acc +\d+\.\d % [\d:]+ left$/;
const CTRL_C = '\x03';

/** The bar hides the cursor; whatever ends must give it back. */
function cursorIsShown({ raw }: Terminal): boolean {
  return raw.lastIndexOf('\x1b[?25h') >= raw.lastIndexOf('\x1b[?25l');
}

test('a training shows a bar that fits its line, a line for each epoch and a table at the end', async () => {
  const terminal = new Terminal(['train', ...NET, 'training.epochs=8'], { cwd: temporaryFolder() });
  expect((await terminal.waitFor(BAR)).length).toBeLessThanOrEqual(80);
  expect(await terminal.end()).toBe(0);
  const lines = await terminal.lines();
  const epochs = lines.filter((line) => /^ *\d+ % {2}epoch \d\/8 {2}\d+ img\/s {2}loss .* left$/.test(line));
  expect(epochs).toHaveLength(8);
  expect(lines.some((line) => BAR.test(line))).toBe(false); // the bar is taken away
  expect(terminal.raw).toContain('\x1b[?25l');
  expect(cursorIsShown(terminal)).toBe(true);
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^training fast \([\d,]+ parameters\) in (?:bf16|fp32) on cpu, \d+ threads?$/),
      expect.stringMatching(/^model +fast, seed 0$/),
      expect.stringMatching(/^test accuracy +\d+\.\d\d %$/),
      expect.stringMatching(/^checkpoint +outputs\/\S+\/checkpoint\.safetensors$/),
      expect.stringMatching(/^ {2}npx cifar10-torch evaluate --checkpoint outputs/),
    ]),
  );
});

test('a long training stays readable: the words give way, not the figures', async () => {
  const words = ['train', ...NET, 'training.epochs=20000', 'data_loading.batch_size=50'];
  const terminal = new Terminal(words, { cwd: temporaryFolder() });
  const pattern = /^[█░]{5,} +\d+ % ep \d+\/20000 \d+ img\/s loss \d\.\d{3} acc +\d+\.\d % [\d:]+$/;
  expect((await terminal.waitFor(pattern)).length).toBeLessThanOrEqual(80);
  terminal.type(CTRL_C);
  expect(await terminal.end()).toBe(130);
});

test('Ctrl-C finishes the step, saves, and says how to go on; what it says goes on', async () => {
  const cwd = temporaryFolder();
  const terminal = new Terminal(['train', ...NET, 'training.epochs=60'], { cwd });
  await terminal.waitFor(BAR);
  terminal.type(CTRL_C);
  expect(await terminal.end()).toBe(130);
  expect(cursorIsShown(terminal)).toBe(true);
  await terminal.waitFor(/^stopping in good order; once more to stop at once$/, 1000);
  await terminal.waitFor(/^stopped after step \d+ of 600$/, 1000);
  const saved = await terminal.waitFor(/^saved +\S+$/, 1000);
  expect(existsSync(`${cwd}/${saved.split(/ +/)[1]}`)).toBe(true);
  const hint = await terminal.waitFor(/^go on with +npx cifar10-torch train --resume \S+$/, 1000);
  const again = new Terminal(hint.split('cifar10-torch ')[1]?.split(' ') ?? [], { cwd });
  await again.waitFor(/^1,000 images, 60 epochs, 600 steps, going on after step \d+$/);
  again.type(CTRL_C);
  expect(await again.end()).toBe(130);
});

test('Ctrl-C twice stops at once and gives the cursor back', async () => {
  // One step of this net takes seconds: waiting for it would be seen.
  const words = ['train', 'data_loading=sample', 'model=resnet18', 'data_loading.batch_size=1000'];
  const terminal = new Terminal(words, { cwd: temporaryFolder() });
  await terminal.waitFor(/^run folder/);
  await new Promise((resolve) => setTimeout(resolve, 1500)); // into the first step
  const startedMs = performance.now();
  terminal.type(CTRL_C);
  await terminal.waitFor(/^\^?C?stopping in good order/);
  terminal.type(CTRL_C);
  expect(await terminal.end()).toBe(130);
  expect(performance.now() - startedMs).toBeLessThan(2000);
  await terminal.waitFor(/^(?:\^C)?stopped at once; what was not saved is lost$/, 1000);
  expect(cursorIsShown(terminal)).toBe(true);
});

test.each([
  ['colour on a terminal', {}, true],
  ['none with NO_COLOR', { NO_COLOR: '1' }, false],
])('%s', async (_name, env, isColoured) => {
  const terminal = new Terminal(['train', 'model=none'], { cwd: temporaryFolder(), env });
  expect(await terminal.end()).toBe(2);
  expect(terminal.raw.includes('\x1b[31m')).toBe(isColoured);
});

test.each([
  ['CI', { CI: 'true' }, []],
  ['--quiet', {}, ['--quiet']],
  ['--json', {}, ['--json']],
])('no bar with %s', async (name, env, words) => {
  const terminal = new Terminal(['train', ...NET, 'training.epochs=2', ...words], {
    cwd: temporaryFolder(),
    env,
  });
  expect(await terminal.end()).toBe(0);
  expect(terminal.raw).not.toMatch(/[█░]/);
  const epochs = (await terminal.lines()).filter((line) => line.includes('epoch 1/2'));
  expect(epochs).toHaveLength(name === '--quiet' ? 0 : 1);
  const isJson = terminal.raw.split('\r\n').some((line) => line.startsWith('{"checkpoint"'));
  expect(isJson).toBe(name === '--json');
});
