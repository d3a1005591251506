// Owns the check of the processor: its model, its cores, and the instructions that decide the speed of training.
// Must not count threads: threads.ts does.
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Finding } from './check.js';
import { counted } from './units.js';

/** Name in the report -> the kernel's flags that it takes. AVX-512 as LibTorch's kernels need it. */
const CAPABILITIES: Record<string, Record<string, string[]>> = {
  x64: {
    AVX2: ['avx2', 'fma'],
    'AVX-512': ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'],
    avx512_bf16: ['avx512_bf16'],
    amx_bf16: ['amx_bf16', 'amx_tile'],
  },
  arm64: { NEON: ['asimd'], SVE: ['sve'], bf16: ['bf16'] },
};

export interface Processor {
  /** `undefined` where the kernel names none, as often on arm64. */
  model: string | undefined;
  flags: ReadonlySet<string>;
}

/** Reads the first processor of a /proc/cpuinfo; x86 names the line `flags`, arm64 `Features`. */
export function parseCpuInfo(text: string): Processor {
  const field = (name: string) => new RegExp(`^${name}\\s*:(.*)$`, 'm').exec(text)?.[1]?.trim();
  const flags = field('(?:flags|Features)')?.split(/\s+/) ?? [];
  return { model: field('model name') || undefined, flags: new Set(flags) };
}

export function checkProcessor(): Finding {
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  return judgeProcessor(parseCpuInfo(info), process.arch, cpus().length);
}

/** Without instructions for bf16, `training.precision: auto` is float32. */
export function judgeProcessor({ model, flags }: Processor, arch: string, cores: number): Finding {
  const capabilities = Object.entries(CAPABILITIES[arch] ?? {}).map(
    ([name, needed]) => [name, needed.every((flag) => flags.has(flag))] as const,
  );
  const found = describe(`${model ?? arch}, ${counted(cores, 'core')}`, capabilities);
  const details = { model, cores, capabilities: Object.fromEntries(capabilities) };
  const has = (pattern: RegExp) => capabilities.some(([name, isThere]) => isThere && pattern.test(name));
  if (arch === 'x64' && !has(/AVX2/)) {
    const nextStep = 'use a machine with AVX2; in a virtual one, choose the processor type `host`';
    return { status: 'warning', found, nextStep, details };
  }
  if (has(/bf16/)) return { status: 'ok', found, details };
  return { status: 'ok', found: `${found}; trains in float32`, details };
}

function describe(machine: string, capabilities: (readonly [string, boolean])[]): string {
  const names = (isThere: boolean) =>
    capabilities.filter((entry) => entry[1] === isThere).map(([name]) => name);
  const [present, absent] = [names(true), names(false)];
  const parts = [
    ...(present.length ? [present.join(', ')] : []),
    ...(absent.length ? [`no ${absent.join(', no ')}`] : []),
  ];
  return `${machine}: ${parts.join('; ') || 'unknown capabilities'}`;
}
