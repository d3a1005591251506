// Trains a small net of each family, and three of the size they have in use, on the embedded sample with the command line, then lets Python PyTorch load its
// checkpoint into the plain definitions of scripts/golden/models.py and compare what both say of the test images.
// Usage, after `npm run build`: node scripts/check-python.mjs
// Python: the one named by PYTHON, else a virtual environment in build/python, made at the first run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { predict } from '../dist/lib/index.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const VENV = join(ROOT, 'build/python');
const FOLDER = join(ROOT, 'build/check-python');
const CLI = join(ROOT, 'dist/bin/cifar10-torch.js');
const CPU_INDEX = 'https://download.pytorch.org/whl/cpu';
const IMAGES = 100;

const MODELS = {
  fast: ['model=fast', 'model.widths=[8,16,16]'],
  fast_residual: ['model=fast', 'model.widths=[8,16,16]', 'model.convs_per_group=3'],
  cnn: ['model=cnn', 'model.widths=[8,16]'],
  cnn_group_norm: ['model=cnn', 'model.widths=[8,16]', 'model.norm=group', 'model.groups=4'],
  cnn_without_norm: ['model=cnn', 'model.widths=[8,16]', 'model.norm=none', 'model.dropout=0.1'],
  cifar_resnet: ['model=resnet20', 'model.width=4'],
  resnet18: ['model=resnet18', 'model.width=4'],
  resnet50: ['model=resnet50', 'model.width=4'],
  preact_resnet18: ['model=preact_resnet18', 'model.width=4'],
  wide_resnet: ['model=wrn16_4', 'model.widen_factor=0.5', 'model.dropout=0.1'],
  // As they come: small nets have few channels that the package's own float32 kernels take.
  fast_default: ['model=fast'],
  resnet20_default: ['model=resnet20'],
  // Small steps: a net that is certain of anything gives probabilities of 0, which have no logarithm.
  resnet18_default: ['model=resnet18', 'training=standard', 'training.optimizer.lr=0.001'],
};

function run(program, args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  if (status === 0) return stdout;
  console.error(`check-python: ${program} ${args.join(' ')} failed\n${error?.message ?? stderr}`);
  process.exit(1);
}

function hasPackages(python) {
  return spawnSync(python, ['-c', 'import torch, numpy, safetensors']).status === 0;
}

/** A Python that has torch, numpy and safetensors. */
function findPython() {
  if (process.env.PYTHON) return process.env.PYTHON;
  const python = join(VENV, 'bin/python');
  if (existsSync(python) && hasPackages(python)) return python;
  console.log('check-python: installing PyTorch into build/python');
  rmSync(VENV, { recursive: true, force: true });
  run('python3', ['-m', 'venv', VENV]);
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--retries',
    '1',
    '--timeout',
    '60',
    'numpy',
    'safetensors',
  ];
  // The default wheel on Linux is larger and wants NVIDIA's packages beside it.
  const small = spawnSync(python, [...pip, 'torch==2.13.0+cpu', '--extra-index-url', CPU_INDEX]);
  if (small.status !== 0) run(python, [...pip, 'torch==2.13.0']);
  return python;
}

function train(name, overrides) {
  const output = join(FOLDER, name);
  const words = ['data_loading=sample', ...overrides, 'training.epochs=1', 'training.precision=fp32'];
  const args = [CLI, 'train', ...words, `output_dir=${output}`, '--json', '--quiet'];
  return JSON.parse(run(process.execPath, args)).checkpoint;
}

/** uint8 [32,32,3] of the first test images. */
function readImages() {
  const bytes = readFileSync(join(ROOT, 'lib/dataset/sample/test.bin'));
  return Array.from({ length: IMAGES }, (_, row) => {
    const planes = bytes.subarray(row * 3073 + 1, (row + 1) * 3073);
    const data = Uint8Array.from(planes, (_, i) => planes[(i % 3) * 1024 + Math.floor(i / 3)]);
    return { data, width: 32, height: 32, channels: 3 };
  });
}

async function probabilitiesOf(checkpoint, images) {
  const predictions = await predict(images, { checkpoint, dtype: 'fp32', topK: 10, device: 'cpu' });
  return predictions.map(({ topK }) =>
    Object.fromEntries(topK.map(({ label, probability }) => [label, probability])),
  );
}

const python = findPython();
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const images = readImages();
const checks = [];
for (const [name, overrides] of Object.entries(MODELS)) {
  const checkpoint = train(name, overrides);
  checks.push({ name, checkpoint, probabilities: await probabilitiesOf(checkpoint, images) });
}
const list = join(FOLDER, 'checks.json');
writeFileSync(list, JSON.stringify(checks));
const { status } = spawnSync(python, [join(ROOT, 'scripts/check-python.py'), list], { stdio: 'inherit' });
process.exit(status ?? 1);
