// Owns the command `doctor`: the library's checks as lines. Must not check anything itself.
import type { DoctorCheck, DoctorReport } from '../../lib/index.js';
import { defineCommand } from '../command.js';
import { colorsOf } from '../output.js';

export const doctorCommand = defineCommand({
  command: 'doctor',
  describe: 'Check this machine and installation',
  options: {},
  examples: [
    ['$0 doctor', 'Check everything that training needs'],
    ['$0 doctor --json', 'The same for a script or a bug report'],
  ],
  epilogue: 'Changes nothing and uses no network. The exit code is 1 if a check fails.',
  run: async (_args, { printResult }) => {
    const { doctor } = await import('../../lib/index.js');
    const report = await doctor();
    printResult(report, () => describe(report));
    if (!report.isHealthy) process.exitCode = 1;
  },
});

function describe({ checks }: DoctorReport): string {
  const { green, yellow, red } = colorsOf(process.stdout);
  const marks = { ok: green('ok  '), warning: yellow('warn'), failure: red('FAIL') };
  const width = Math.max(...checks.map(({ name }) => name.length));
  const line = ({ name, status, found, nextStep }: DoctorCheck) =>
    `${marks[status]}  ${name.padEnd(width)}  ${found}${nextStep ? `\n      Next step: ${nextStep}` : ''}`;
  return checks.map(line).join('\n');
}
