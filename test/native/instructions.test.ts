// The addon runs on any x86-64-v2 processor: instructions beyond that stand only in kernels that are chosen at run time.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { findAddon } from '../../lib/native.js';

/** The addon's functions, by their demangled names, with their instructions as text. */
function disassemble(): [name: string, instructions: string][] {
  const text = execFileSync('objdump', ['--disassemble', '--demangle', '--no-show-raw-insn', findAddon()], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  return text.split(/^[0-9a-f]+ <(?=.*>:$)/m).map((part) => {
    const end = part.indexOf('>:\n');
    return [part.slice(0, end), part.slice(end + 3)];
  });
}

const FUNCTIONS = disassemble();
const namesWith = (instructions: RegExp) =>
  FUNCTIONS.filter((each) => instructions.test(each[1])).map(([name]) => name);

const VECTOR_EXTENSIONS = /\t(?:v[a-z]|.*%[yz]mm)/;
const BF16_INSTRUCTIONS = /\tv(?:dpbf16ps|cvtne2?ps2?bf16)/;
const IS_KERNEL = /^(?:void |long )?cifar10::(?:avx512|kernels)::/;

test('AVX stands in kernels only', () => {
  const names = namesWith(VECTOR_EXTENSIONS);
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !IS_KERNEL.test(name))).toEqual([]);
});

test('products of bfloat16 stand in no kernel for float32, which runs without them', () => {
  const names = namesWith(BF16_INSTRUCTIONS);
  expect(names.length).toBeGreaterThan(10);
  const isForFloat = (name: string) => /\bfloat\b/.test(name) && !/unsigned short/.test(name);
  expect(FUNCTIONS.filter(([name]) => isForFloat(name)).length).toBeGreaterThan(20);
  expect(names.filter(isForFloat)).toEqual([]);
});
