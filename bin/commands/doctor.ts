// Owns the command `doctor`: the library's checks as lines. Must not check anything itself.
import { AbortError } from '../../lib/errors.js';
import type { DoctorCheck, DoctorReport } from '../../lib/index.js';
import { defineCommand } from '../command.js';
import { counted } from '../format.js';
import { colorsOf } from '../output.js';
import { wrap } from '../table.js';

const COLUMNS = 80;
const SILENT_MS = 5_000; // after this a person wants to know what takes so long
const MARK_WIDTH = 6;
const NEXT_STEP = 'Next step: ';

export const doctorCommand = defineCommand({
  command: 'doctor',
  describe: 'Check this machine and installation',
  options: {},
  examples: [
    ['$0 doctor', 'Check everything that training needs'],
    ['$0 doctor --json', 'The same for a script or a bug report'],
    ['$0 doctor --libtorch ~/libtorch', 'With another LibTorch'],
  ],
  epilogue: 'Changes nothing and uses no network. The exit code is 1 if a check fails.',
  run: async (_args, { signal, message, printResult }) => {
    const { doctor } = await import('../../lib/index.js');
    const timer = setTimeout(() => message('still waiting for a check, a minute at most'), SILENT_MS);
    const report = await doctor({ signal }).finally(() => clearTimeout(timer));
    if (signal.aborted) throw new AbortError('the checks were stopped', signal.reason);
    printResult(report, () => describe(report));
    if (!report.isHealthy) process.exitCode = 1;
  },
});

function describe({ checks }: DoctorReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return [...checks.map((check) => describeCheck(check, width)), '', summarize(checks)].join('\n');
}

function describeCheck({ name, status, found, nextStep }: DoctorCheck, width: number): string {
  const { green, yellow, red } = colorsOf(process.stdout);
  const marks = { ok: green('ok  '), warning: yellow('warn'), failure: red('FAIL') };
  const text = indented(found, MARK_WIDTH + width + 2);
  const lines = [`${marks[status]}  ${name.padEnd(width)}  ${text}`];
  if (nextStep)
    lines.push(' '.repeat(MARK_WIDTH) + NEXT_STEP + indented(nextStep, MARK_WIDTH + NEXT_STEP.length));
  return lines.join('\n');
}

function summarize(checks: readonly DoctorCheck[]): string {
  const countOf = (wanted: DoctorCheck['status']) => checks.filter(({ status }) => status === wanted).length;
  return `${countOf('ok')} ok, ${counted(countOf('warning'), 'warning')}, ${counted(countOf('failure'), 'failure')}`;
}

/** The text in lines that begin at `indent`. */
function indented(text: string, indent: number): string {
  return wrap(text, COLUMNS - indent).join(`\n${' '.repeat(indent)}`);
}
