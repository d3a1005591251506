// The package as npm would publish it, with the prebuilt addon, installed and used where there is no compiler.
// The steps build on each other, as a user's do.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../lib/package-root.js';
import { Consumer, type Packed, pack } from './consumer.js';

const MEGABYTE = 1_000_000;
const PREBUILDS = `prebuilds/linux-${process.arch}`;
const TINY = ['data_loading=sample', 'model=cnn', 'model.widths=[8,8]', 'training.epochs=1'];
const MAJORS = ['20', '22', '24'];
/** Otherwise a PyTorch in the machine's Python is found where the cache has no LibTorch. */
const WITHOUT_PYTHON = { env: { PYTHON: '/nonexistent/python3' } };
const tool = (name: string) => join(PACKAGE_ROOT, 'node_modules/.bin', name);

let consumer: Consumer;
let packed: Packed;

beforeAll(async () => {
  consumer = new Consumer();
  packed = pack(consumer.folder);
  await consumer.install([packed.path, '@types/node@20']);
});
afterAll(() => consumer.remove());

const LOADS = {
  import: "import { predict } from 'cifar10-torch';",
  require: "const { predict } = require('cifar10-torch');",
};

/** A program that prints how many labels a prediction has, or the error's code and next step. */
function predicts(checkpoint: string, load: keyof typeof LOADS = 'import'): string {
  const photo = join(consumer.folder, 'photos/photo.png');
  return `${LOADS[load]}
    predict(${JSON.stringify(photo)}, { checkpoint: ${JSON.stringify(checkpoint)} }).then(
      ([best]) => console.log(best.topK.length),
      ({ code, nextStep }) => console.log(code, nextStep));`;
}

describe('the tarball', () => {
  test('holds what a user needs and nothing else', () => {
    const depth = (file: string) => (/^(docs|examples)\//.test(file) ? 1 : 2);
    const roots = new Set(packed.files.map((file) => file.split('/').slice(0, depth(file)).join('/')));
    expect([...roots].sort()).toEqual([
      'CHANGELOG.md',
      'CMakeLists.txt',
      'CONTRIBUTING.md',
      'Dockerfile',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bin/completion',
      'compose.yaml',
      'conf/config.yaml',
      'conf/data_loading',
      'conf/experiment',
      'conf/model',
      'conf/training',
      'dist/bin',
      'dist/help',
      'dist/lib',
      'docs',
      'examples',
      'lefthook.yml',
      'lib/dataset',
      'lib/serve',
      'native/binding',
      'native/core',
      'native/loader',
      'native/old_systems.h',
      'package.json',
      PREBUILDS,
      'scripts/build-native.mjs',
    ]);
    const needless = /\.map$|\.test\.|(?<!\.d)\.ts$|binding\.gyp|tsconfig/;
    expect(packed.files.filter((file) => needless.test(file))).toEqual([]);
    const prebuilt = packed.files.filter((file) => file.startsWith('prebuilds/'));
    expect(prebuilt.sort()).toEqual([
      `${PREBUILDS}/cifar10-torch.glibc.node`,
      `${PREBUILDS}/cifar10_torch_loader.so`,
    ]);
  });

  test('is small: most of it is the embedded sample', () => {
    expect(packed.sizeBytes).toBeLessThan(6 * MEGABYTE);
    expect(packed.unpackedBytes).toBeLessThan(9 * MEGABYTE);
  });

  test('has no script that runs at its installation', () => {
    const words = ['xzOf', packed.path, 'package/package.json'];
    const { scripts } = JSON.parse(execFileSync('tar', words, { encoding: 'utf8' })) as { scripts: object };
    for (const name of ['preinstall', 'install', 'postinstall']) expect(scripts).not.toHaveProperty(name);
  });

  test('passes publint and are-the-types-wrong', () => {
    const options = { cwd: PACKAGE_ROOT, encoding: 'utf8' } as const;
    execFileSync(tool('publint'), ['--strict', packed.path], options);
    // ESM alone: every Node.js that `engines` names has require() for it.
    execFileSync(tool('attw'), ['--profile', 'esm-only', packed.path], options);
  });

  test('asks for no newer system than LibTorch does', () => {
    execFileSync(process.execPath, ['scripts/check-symbols.mjs'], { cwd: PACKAGE_ROOT });
  });
});

describe('types', () => {
  const program = `
    import { Cifar10Error, type EvaluateResult, evaluate, predict, train, type TrainEvent } from 'cifar10-torch';
    const run = train({ overrides: ['training.epochs=2'] });
    for await (const event of run) {
      const known: TrainEvent = event;
      if (known.type === 'step') known.loss.toFixed(3);
      // @ts-expect-error an event of this kind does not exist
      if (known.type === 'nothing') break;
    }
    const { checkpoint } = await run;
    const result: EvaluateResult = await evaluate({ checkpoint });
    const [best] = await predict('photo.jpg', { checkpoint });
    const label: string | undefined = best?.label;
    // @ts-expect-error no such option
    await predict('photo.jpg', { checkpoint, nonsense: 1 });
    export { Cifar10Error, label, result };`;

  test.each([
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ])('are found and strict with moduleResolution %s', async (moduleResolution, module) => {
    const file = consumer.write('types/consumer.mts', program);
    const tsc = join(PACKAGE_ROOT, 'node_modules/typescript/bin/tsc');
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noEmit'];
    const target = ['--target', 'es2022', '--types', 'node', '--module', module];
    const words = [tsc, ...strict, ...target, '--moduleResolution', moduleResolution, file];
    await consumer.run(process.execPath, words);
  });
});

describe('before LibTorch is there', () => {
  test('import and require work, and what needs it says what to run', async () => {
    const esm = await consumer.node('a.mjs', predicts('none'), WITHOUT_PYTHON);
    expect(esm).toBe('LIBTORCH_NOT_FOUND run `npx cifar10-torch install-runtime`\n');
    expect(await consumer.node('a.cjs', predicts('none', 'require'), WITHOUT_PYTHON)).toBe(esm);
  });

  test('train says what to run', async () => {
    await expect(consumer.cli(['train', ...TINY], WITHOUT_PYTHON)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/LIBTORCH_NOT_FOUND[\s\S]*npx cifar10-torch install-runtime/),
    });
  });

  test('a cache that cannot be written is said, before anything is fetched', async () => {
    const env = { CIFAR10_TORCH_CACHE: join(consumer.write('a-file', ''), 'cache') };
    await expect(consumer.cli(['install-runtime'], { env })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/NOT_WRITABLE[\s\S]*a-file[\s\S]*choose another folder/),
    });
  });
});

describe('with LibTorch', () => {
  let checkpoint: string;

  beforeAll(async () => {
    await consumer.cli(['install-runtime', '--variant', 'cpu']); // not gigabytes where there is a GPU
    const stdout = await consumer.cli(['train', ...TINY, '--json']);
    checkpoint = (JSON.parse(stdout) as { checkpoint: string }).checkpoint;
    const photo = sharp({ create: { width: 40, height: 30, channels: 3, background: 'teal' } });
    consumer.write('photos/photo.png', await photo.png().toBuffer());
    const nodes = MAJORS.map((major) => `node-${major}@npm:node-linux-${process.arch}@${major}`);
    await consumer.install([...nodes, 'npm@12', 'pnpm@12', 'yarn@1'], 'tools');
  });

  test('the prebuilt addon is what is used', async () => {
    expect(await consumer.cli(['doctor', '--json'])).toContain(`${PREBUILDS}/cifar10-torch.glibc.node`);
  });

  test('the command line classifies a folder of images', async () => {
    const words = ['infer', '--test-dir', 'photos', '--checkpoint', checkpoint, '--json'];
    expect(JSON.parse(await consumer.cli(words))).toMatchObject({ label: expect.any(String) });
  });

  test('predict works from ESM, CommonJS and a worker', async () => {
    expect(await consumer.node('b.mjs', predicts(checkpoint))).toBe('3\n');
    expect(await consumer.node('b.cjs', predicts(checkpoint, 'require'))).toBe('3\n');
    const worker = `import { Worker } from 'node:worker_threads';
      new Worker(new URL('./b.mjs', import.meta.url)).on('exit', (code) => process.exit(code));`;
    expect(await consumer.node('c.mjs', worker)).toBe('3\n');
  });

  test.each(MAJORS)('the same binary runs in Node.js %s', async (major) => {
    const node = join(consumer.folder, `tools/node_modules/node-${major}/bin/node`);
    expect(await consumer.run(node, ['--version'])).toMatch(new RegExp(`^v${major}\\.`));
    expect(await consumer.run(node, [consumer.write('d.mjs', predicts(checkpoint))])).toBe('3\n');
    const cli = join(consumer.folder, 'node_modules/cifar10-torch/dist/bin/cifar10-torch.js');
    const stdout = await consumer.run(node, [cli, 'train', ...TINY, '--json']);
    expect((JSON.parse(stdout) as { steps: number }).steps).toBeGreaterThan(0);
  });

  test('another LibTorch on LD_LIBRARY_PATH is not taken', async () => {
    for (const name of ['libc10.so', 'libtorch.so', 'libtorch_cpu.so', 'libgomp.so.1'])
      consumer.write(`other/${name}`, 'not a library');
    const env = { LD_LIBRARY_PATH: join(consumer.folder, 'other') };
    expect(await consumer.node('e.mjs', predicts(checkpoint), { env })).toBe('3\n');
  });

  test.each([
    ['pnpm', ['add', '--ignore-scripts']],
    // Parts of Fastify ask for Node.js 22, and work with 20: npm and pnpm warn of that, yarn 1 refuses unless told not to.
    ['yarn', ['add', '--ignore-scripts', '--ignore-engines', '--no-lockfile']],
  ])('installed by %s, it works as well', async (name, words) => {
    const cwd = `by-${name}`;
    consumer.write(`${cwd}/package.json`, '{ "name": "consumer", "private": true }');
    const manager = join(consumer.folder, 'tools/node_modules/.bin', name);
    await consumer.run(manager, [...words, packed.path], { cwd });
    expect(await consumer.node(`${cwd}/f.mjs`, predicts(checkpoint), { cwd })).toBe('3\n');
  });

  test('installed by npm 12, which runs no install scripts, it works as well', async () => {
    const cwd = 'by-npm';
    consumer.write(`${cwd}/package.json`, '{ "name": "consumer", "private": true }');
    const [node, npm] = ['node-24/bin/node', 'npm/bin/npm-cli.js'].map((path) =>
      join(consumer.folder, 'tools/node_modules', path),
    ) as [string, string];
    expect(await consumer.run(node, [npm, '--version'])).toMatch(/^12\./);
    await consumer.run(node, [npm, 'install', '--no-audit', '--no-fund', packed.path], { cwd });
    expect(await consumer.node(`${cwd}/f.mjs`, predicts(checkpoint), { cwd })).toBe('3\n');
  });

  describe('the examples', () => {
    const example = (name: string, ...words: string[]) =>
      consumer.run(process.execPath, [`${name}.mjs`, ...words]);

    beforeAll(async () => {
      const folder = join(PACKAGE_ROOT, 'examples');
      for (const name of readdirSync(folder).filter((name) => name.endsWith('.mjs')))
        consumer.write(name, readFileSync(join(folder, name), 'utf8'));
      await consumer.install(['fastify@5']);
    });

    test('train, and what it made classifies a file, a folder, and from a worker', async () => {
      const made = (await example('train')).trim();
      expect(await example('classify', made, 'photos/photo.png')).toMatch(
        /^photos\/photo\.png: \w+ \d+\.\d %, \w+ \d+\.\d %, \w+ \d+\.\d %\n$/,
      );
      expect(JSON.parse(await example('folder', made, 'photos'))).toMatchObject({ file: 'photos/photo.png' });
      expect(await example('worker', made, 'photos/photo.png')).toMatch(/^\w+ [01]\.\d{3}\n$/);
    });

    test('classify goes past a file that is no image', async () => {
      consumer.write('photos-bad/text.png', 'no image');
      const words = [checkpoint, 'photos-bad/text.png', 'photos/photo.png'];
      await expect(example('classify', ...words)).rejects.toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^photos\/photo\.png: /),
        stderr: expect.stringContaining('text.png'),
      });
    });

    test.each(['server.mjs', 'fastify-server.mjs'])(
      '%s answers what is posted, refuses what is no image or too large, and ends when asked to',
      async (name) => {
        const server = consumer.start(name, [checkpoint, '0']);
        const [line] = (await once(server.stdout as Readable, 'data')) as [Buffer];
        const post = (body: Buffer) => fetch(String(line).trim(), { method: 'POST', body });
        const good = await post(readFileSync(join(consumer.folder, 'photos/photo.png')));
        expect([good.status, await good.json()]).toEqual([
          200,
          expect.objectContaining({ label: expect.any(String) }),
        ]);
        expect((await post(Buffer.from('no image'))).status).toBe(400);
        expect((await post(Buffer.alloc(9 << 20))).status).toBe(413);
        server.kill('SIGTERM');
        expect(await once(server, 'exit')).toEqual([0, null]);
      },
    );

    test('the server with Fastify says that it is there, and does not begin without a checkpoint', async () => {
      const server = consumer.start('fastify-server.mjs', [checkpoint, '0']);
      const [line] = (await once(server.stdout as Readable, 'data')) as [Buffer];
      expect(await (await fetch(`${String(line).trim()}/health`)).json()).toEqual({ status: 'ok' });
      server.kill('SIGTERM');
      await once(server, 'exit');
      await expect(example('fastify-server', 'none.safetensors', '0')).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining('CHECKPOINT_NOT_FOUND'),
      });
    });
  });

  test.each([
    ['cut off', (library: string) => truncateSync(library, 1 << 20)],
    ['missing', (library: string) => renameSync(library, `${library}.away`)],
  ])('where one of its libraries is %s, the error says what to run', async (_, damage) => {
    const [name] = readdirSync(consumer.cache).filter((name) => name.startsWith('libtorch-'));
    damage(join(consumer.cache, name as string, 'lib/libtorch_cpu.so'));
    expect(await consumer.node('g.mjs', predicts(checkpoint), WITHOUT_PYTHON)).toMatch(
      /^LIBTORCH_NOT_FOUND .*`npx cifar10-torch install-runtime`\n$/,
    );
  });
});
