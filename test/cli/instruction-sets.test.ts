// Processors without AVX-512 run other code of oneDNN, which a process of its own can ask for on any x86-64 machine.
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support.js';
import { runCli } from './run-cli.js';

// oneDNN's own strided 1x1 convolutions overwrite memory when they have fewer channels than a vector has lanes.
const NARROW = ['data_loading=sample', 'data_loading.batch_size=50', 'model=resnet18', 'model.width=4'];
const SHORT = ['training.precision=fp32', 'training.epochs=4', 'training.tta_level=0'];

test.each(['AVX2', 'AVX512_CORE'])('a narrow ResNet trains with oneDNN held to %s', async (isa) => {
  const { exitCode, stdout, stderr } = await runCli(
    ['train', '--json', ...NARROW, ...SHORT, `output_dir=${temporaryFolder()}`],
    { env: { ONEDNN_MAX_CPU_ISA: isa }, launcher: ['timeout', '--signal=KILL', '60'] },
  );
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toContain('"accuracy"');
});
