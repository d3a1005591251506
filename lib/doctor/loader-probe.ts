// Owns what the first child process of `doctor` does: loads the loader addon, which is free of LibTorch, and prints one
// JSON line. Must not be imported: it works when it is loaded.
import { dirname, join } from 'node:path';
import { findAddon } from '../native.js';
import { type LoaderAnswer, printAnswer } from './probe-answer.js';

function answer(): LoaderAnswer {
  const target = { exports: {} as { builtForVersion: string } };
  process.dlopen(target, join(dirname(findAddon()), 'cifar10_torch_loader.so'));
  return { builtForLibtorch: target.exports.builtForVersion };
}

await printAnswer(answer);
