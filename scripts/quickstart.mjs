// Takes a clean clone to a trained, tested classifier in one command; a second run reuses everything that is there.
// Usage: npm run quickstart [-- --fresh]     --fresh: train again although a checkpoint is there
// Plain Node without dependencies: it runs before `npm ci`. Must not do what the command line can do.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

// A short version of the default recipe: two of its eight epochs.
const TRAINING = ['training.epochs=2'];
const IMAGES_PER_CLASS = 2;
const FITTING_NODE = '20.19, 22.12, 23 or newer';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
// Relative to the clone, where this script goes first: so a person would type them.
const CLI = 'dist/bin/cifar10-torch.js';
const OUTPUT = 'outputs/quickstart';
const IMAGES = join(OUTPUT, 'images');
const CHECKPOINT_NAME = 'checkpoint.safetensors';

const STAGES = [
  ['check the tools', checkTools],
  ['install and build', installAndBuild],
  ['LibTorch and CIFAR-10', fetchRuntimeAndData],
  ['train', provideCheckpoint],
  ['evaluate on the 10,000 test images', () => runCli('evaluate', '--checkpoint', newestCheckpoint())],
  ['classify image files', classifyFiles],
];

/** A failure to report as one line. */
class StageError extends Error {}

function print(text = '') {
  console.log(text);
}

function run(program, args) {
  const { status, signal, error } = spawnSync(program, args, { stdio: 'inherit' });
  if (signal === 'SIGINT' || status === 130) process.exit(130);
  if (status === 0) return;
  const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
  throw new StageError(
    `\`${[program, ...args].join(' ')}\` failed: ${reason}. Next step: see the lines above`,
  );
}

function runCli(...args) {
  print(`> npx cifar10-torch ${args.join(' ')}`);
  run(process.execPath, [CLI, ...args]);
}

function checkTools() {
  const node = process.versions.node;
  // What its dependencies need, and what the oldest versions that do lack.
  if (!process.features.require_module)
    throw new StageError(
      `Node.js ${FITTING_NODE} is needed, found ${node}. Next step: install it from nodejs.org`,
    );
  const compiler = process.env.CXX || 'c++';
  const tools = [process.env.PYTHON || 'python3', 'cmake', compiler];
  const missing = tools.filter((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0);
  if (missing.length > 0)
    throw new StageError(
      `${missing.join(', ')} not found. ` +
        'Next step: install Python 3 with pip, CMake and a C++20 compiler (Debian: `apt install python3-pip cmake g++`)',
    );
  print(`Node.js ${node}, ${tools.join(', ')}: present`);
}

/** `npm ci` runs `prepare`, which fetches LibTorch and builds. */
function installAndBuild() {
  if (!isInstalled()) return run('npm', ['ci']);
  // Incremental: seconds where nothing has changed, and right after a pull.
  run('npm', ['run', '--silent', 'build']);
}

function isInstalled() {
  const installed = statSync('node_modules/.package-lock.json', { throwIfNoEntry: false });
  return installed !== undefined && installed.mtimeMs >= statSync('package-lock.json').mtimeMs;
}

async function fetchRuntimeAndData() {
  const { locateLibtorch } = await import('../dist/lib/libtorch/index.js');
  try {
    const { version, path } = locateLibtorch();
    print(`LibTorch ${version}: ${path}`);
  } catch (error) {
    if (error.code !== 'LIBTORCH_NOT_FOUND' || process.env.LIBTORCH) throw error;
    runCli('install-runtime');
  }
  runCli('download');
}

function provideCheckpoint() {
  const checkpoint = newestCheckpoint();
  if (checkpoint && !process.argv.includes('--fresh'))
    print(`reusing ${checkpoint}; \`npm run quickstart -- --fresh\` trains again`);
  else runCli('train', ...TRAINING, `output_dir=${OUTPUT}`);
}

/** The checkpoint written last; `undefined` if there is none. */
function newestCheckpoint() {
  if (!existsSync(OUTPUT)) return undefined;
  return readdirSync(OUTPUT, { recursive: true })
    .filter((name) => name.endsWith(CHECKPOINT_NAME))
    .map((name) => join(OUTPUT, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
    .at(-1);
}

async function classifyFiles() {
  const count = await writeImages();
  print(`${count} test images, named by their true class, are in ${IMAGES}`);
  runCli('infer', '--test_dir', IMAGES, '--checkpoint_name', newestCheckpoint());
}

/** Writes the first test images of each class as PNG files; returns how many. */
async function writeImages() {
  const sharp = createRequire(import.meta.url)('sharp');
  const { CLASS_NAMES, resolveDataset } = await import('../dist/lib/dataset/index.js');
  const { RECORD_BYTES } = await import('../dist/lib/dataset/facts.js');
  const { test } = await resolveDataset({ source: 'cifar10', dataDir: null });
  const batch = readFileSync(test[0]);
  const taken = CLASS_NAMES.map(() => 0);
  mkdirSync(IMAGES, { recursive: true });
  for (let start = 0; start < batch.length; start += RECORD_BYTES) {
    const label = batch[start];
    if (taken[label] === IMAGES_PER_CLASS) continue;
    const path = join(IMAGES, `${CLASS_NAMES[label]}-${++taken[label]}.png`);
    const pixels = interleave(batch.subarray(start + 1, start + RECORD_BYTES));
    await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toFile(path);
  }
  return taken.reduce((sum, count) => sum + count, 0);
}

/** R…G…B… to RGBRGB…. */
function interleave(planes) {
  const plane = planes.length / 3;
  return Uint8Array.from(planes, (_, index) => planes[(index % 3) * plane + Math.floor(index / 3)]);
}

function printNextSteps() {
  const checkpoint = newestCheckpoint();
  print(`
The checkpoint: ${checkpoint}

What to run next:
  npx cifar10-torch train                    the full default recipe
  npx cifar10-torch evaluate --checkpoint ${checkpoint} --tta 2
  npx cifar10-torch infer --test_dir ${IMAGES} --checkpoint_name ${checkpoint} --json

The same from a program:
  import { predict } from 'cifar10-torch';
  const [best] = await predict('${IMAGES}/cat-1.png', { checkpoint: '${checkpoint}' });
  console.log(best.label, best.probability);`);
}

async function main() {
  process.chdir(ROOT);
  for (const [index, [title, work]] of STAGES.entries()) {
    const startedMs = performance.now();
    print(`\n${index + 1}/${STAGES.length} ${title}`);
    await work();
    print(`${index + 1}/${STAGES.length} done in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
  printNextSteps();
}

// Ctrl-C reaches the running command as well, which stops in good order; its exit code ends this process.
process.on('SIGINT', () => {});
main().catch((error) => {
  const isExpected = error instanceof StageError || error.code !== undefined;
  console.error(`quickstart: ${isExpected && !process.env.DEBUG ? error.message : error.stack}`);
  process.exitCode = 1;
});
