// What `infer` makes of a folder besides records: parts of it, true labels, files sorted by class.
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCheckpoint, saveCheckpoint } from '../../lib/checkpoint/index.js';
import {
  CLASS_NAMES,
  ConfusionTally,
  evaluate,
  type InferOptions,
  type InferRecord,
  type InferStart,
  infer,
} from '../../lib/index.js';
import { interleave, readSample, SAMPLE_TEST, temporaryFolder, trainSample } from '../support.js';

let root: string;
/** With images of the sample below folders of their classes. */
let images: string;
let checkpoint: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'cifar10-torch-infer-'));
  images = join(root, 'images');
  for (const [row, { label, pixels }] of readSample(SAMPLE_TEST).slice(0, 40).entries()) {
    const folder = join(images, CLASS_NAMES[label] as string);
    mkdirSync(folder, { recursive: true });
    const raw = { width: 32, height: 32, channels: 3 } as const;
    await sharp(interleave(pixels), { raw })
      .png()
      .toFile(join(folder, `${row}.png`));
  }
  ({ checkpoint } = await trainSample(join(root, 'out')));
  return () => rmSync(root, { recursive: true, force: true });
});

async function recordsOf(options: Partial<InferOptions> = {}): Promise<InferRecord[]> {
  const records: InferRecord[] = [];
  for await (const record of infer({ testDir: images, checkpoint, dtype: 'fp32', ...options }))
    records.push(record);
  return records;
}

const filesOf = (records: readonly InferRecord[]) => records.map(({ file }) => file);

/** A copy of the images, to change. */
function copyOfImages(): string {
  const folder = join(temporaryFolder(), 'images');
  cpSync(images, folder, { recursive: true });
  return folder;
}

/** Paths of the files below a folder. */
function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map(({ parentPath, name }) => relative(folder, join(parentPath, name))).sort();
}

describe('parts', () => {
  test('one after the other have the records of the folder', async () => {
    const parts = await Promise.all([1, 2, 3].map((index) => recordsOf({ shard: { index, count: 3 } })));
    expect(parts.map(({ length }) => length)).toEqual([13, 13, 14]);
    expect(filesOf(parts.flat())).toEqual(filesOf(await recordsOf()));
  });

  test('of which there are more than files may be empty', async () => {
    const parts = await Promise.all([1, 41].map((index) => recordsOf({ shard: { index, count: 41 } })));
    expect(parts.map(({ length }) => length)).toEqual([0, 1]);
  });

  test('that are none are refused', async () => {
    await expect(recordsOf({ shard: { index: 4, count: 3 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('may go on behind records that there are', async () => {
    const shard = { index: 2, count: 2 };
    const all = await recordsOf({ shard });
    const rest = await recordsOf({ shard, skip: 15 });
    expect(filesOf(rest)).toEqual(filesOf(all).slice(15));
    expect(await recordsOf({ shard, skip: 20 })).toEqual([]);
    await expect(recordsOf({ shard, skip: 21 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test.each([-1, 1.5, Number.NaN])('behind %d of them is refused before anything is loaded', async (skip) => {
    await expect(recordsOf({ skip, checkpoint: join(root, 'none') })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      found: String(skip),
    });
  });
});

describe('onStart', () => {
  async function startOf(options: Partial<InferOptions> = {}): Promise<InferStart> {
    const starts: InferStart[] = [];
    await recordsOf({ ...options, onStart: (start) => void starts.push(start) });
    expect(starts).toHaveLength(1);
    return starts[0] as InferStart;
  }

  test('tells the files, the model and its classes', async () => {
    expect(await startOf()).toMatchObject({
      fileCount: 40,
      classifier: { dtype: 'fp32', version: expect.stringMatching(/^[0-9a-f]{12}$/) },
      classNames: CLASS_NAMES,
    });
    expect(await startOf({ skip: 3, shard: { index: 1, count: 4 } })).toMatchObject({ fileCount: 10 });
  });

  test('has another digest when a file comes or goes, and the same when nothing does', async () => {
    const testDir = copyOfImages();
    const { filesSha256 } = await startOf({ testDir });
    expect((await startOf({ testDir })).filesSha256).toBe(filesSha256);
    writeFileSync(join(testDir, 'zzz.png'), 'no image');
    expect((await startOf({ testDir })).filesSha256).not.toBe(filesSha256);
  });

  test('ends the call by what it throws, before anything is classified', async () => {
    const failure = new Error('not this one');
    const onStart = () => Promise.reject(failure);
    await expect(recordsOf({ onStart })).rejects.toBe(failure);
  });
});

describe('a signal', () => {
  test('ends it at the first record that comes after, with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const options = { testDir: images, checkpoint, signal: controller.signal };
    const records: InferRecord[] = [];
    const work = async () => {
      for await (const record of infer({ ...options, shard: { index: 1, count: 2 } })) {
        records.push(record);
        controller.abort(reason);
      }
      for await (const record of infer(options)) records.push(record);
    };
    await expect(work()).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    expect(records.length).toBeLessThanOrEqual(20);
  });

  test('that has been given up before keeps anything from being classified', async () => {
    await expect(recordsOf({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('true labels', () => {
  test('are the names of the folders, and a tally counts them', async () => {
    const testDir = copyOfImages();
    writeFileSync(join(testDir, 'cat', 'broken.png'), 'no image');
    const records = await recordsOf({ testDir, labelsFromFolders: true });
    const tally = new ConfusionTally(CLASS_NAMES);
    let hits = 0;
    for (const record of records) {
      expect(record.trueLabel).toBe(relative(testDir, record.file).split('/')[0]);
      tally.add(record);
      if ('label' in record && record.label === record.trueLabel) hits++;
    }
    expect(tally.evaluate()).toMatchObject({ imageCount: 40, accuracy: hits / 40 });
    expect(records.find(({ file }) => file.endsWith('broken.png'))).toMatchObject({
      error: { code: 'IMAGE_INVALID' },
      trueLabel: 'cat',
    });
  });

  test('give the figures that `evaluate` has of the same images', async () => {
    const testDir = temporaryFolder();
    for (const [row, { label, pixels }] of readSample(SAMPLE_TEST).entries()) {
      const folder = join(testDir, CLASS_NAMES[label] as string);
      mkdirSync(folder, { recursive: true });
      const raw = { width: 32, height: 32, channels: 3 } as const;
      await sharp(interleave(pixels), { raw })
        .png()
        .toFile(join(folder, `${row}.png`));
    }
    const tally = new ConfusionTally(CLASS_NAMES);
    for (const record of await recordsOf({ testDir, labelsFromFolders: true })) tally.add(record);
    const expected = await evaluate({ checkpoint, dtype: 'fp32' });
    const { macroPrecision, macroRecall, macroF1, ...exact } = tally.evaluate();
    expect(expected).toMatchObject(exact);
    for (const [mean, value] of Object.entries({ macroPrecision, macroRecall, macroF1 }))
      expect(value).toBeCloseTo(expected[mean as 'macroF1'], 12);
  });

  test('of images in the folder itself are its name', async () => {
    const records = await recordsOf({ testDir: join(images, 'cat'), labelsFromFolders: true });
    expect(new Set(records.map(({ trueLabel }) => trueLabel))).toEqual(new Set(['cat']));
  });

  test('are not there unless asked for', async () => {
    expect((await recordsOf()).some((record) => 'trueLabel' in record)).toBe(false);
  });

  test('folders that are no classes are named, with what was meant, before anything is classified', async () => {
    const testDir = copyOfImages();
    for (const name of ['Cats', 'zebra', 'cat/deep', 'unknown', 'x']) {
      mkdirSync(join(testDir, name));
      cpSync(
        join(testDir, 'cat', readdirSync(join(images, 'cat'))[0] as string),
        join(testDir, name, 'a.png'),
      );
    }
    let hasStarted = false;
    const onStart = () => {
      hasStarted = true;
    };
    await expect(recordsOf({ testDir, labelsFromFolders: true, onStart })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      expected: expect.stringContaining('"airplane", "automobile"'),
      found: expect.stringMatching(/Cats" \(did you mean "cat"\?\), .* and 2 more$/),
    });
    expect(hasStarted).toBe(false);
  });
});

describe('sorting', () => {
  /** For each file that was classified, where it is to be. */
  const places = (testDir: string, records: readonly InferRecord[]) =>
    records
      .flatMap((record) => ('label' in record ? [join(record.label, relative(testDir, record.file))] : []))
      .sort();

  test.each(['copy', 'hardlink', 'symlink'] as const)(
    'by %s puts each file below its class',
    async (mode) => {
      const folder = join(temporaryFolder(), 'new', 'sorted');
      const records = await recordsOf({ sortInto: { folder, mode } });
      expect(filesBelow(folder)).toEqual(places(images, records));
      for (const place of filesBelow(folder)) {
        const [target, source] = [join(folder, place), join(images, place.slice(place.indexOf('/') + 1))];
        expect(readFileSync(target).equals(readFileSync(source))).toBe(true);
        expect(statSync(target).ino === statSync(source).ino).toBe(mode !== 'copy');
        expect(lstatSync(target).isSymbolicLink()).toBe(mode === 'symlink');
        if (mode === 'symlink') expect(readlinkSync(target)).toBe(source);
      }
    },
  );

  test('copies by default, and leaves what cannot be read where it is', async () => {
    const testDir = copyOfImages();
    writeFileSync(join(testDir, 'a-text.png'), 'no image');
    const folder = temporaryFolder();
    const records = await recordsOf({ testDir, sortInto: { folder } });
    expect(records).toHaveLength(41);
    expect(filesBelow(folder)).toEqual(places(testDir, records));
    expect(filesBelow(folder)).toHaveLength(40);
  });

  test('names that are not UTF-8 keep their bytes; links are followed, but by a symbolic link', async () => {
    const testDir = copyOfImages();
    const source = join(testDir, 'cat', readdirSync(join(images, 'cat'))[0] as string);
    const latin1 = Buffer.concat([Buffer.from(join(testDir, 'k')), Buffer.from([0xfc]), Buffer.from('.png')]);
    writeFileSync(latin1, readFileSync(source));
    symlinkSync(source, join(testDir, 'link.png'));
    for (const mode of ['copy', 'hardlink', 'symlink'] as const) {
      const folder = temporaryFolder();
      const records = await recordsOf({ testDir, sortInto: { folder, mode } });
      const label = records.find(({ file }) => file.endsWith('k\ufffd.png')) as { label: string };
      const names = readdirSync(join(folder, label.label), 'buffer').map((name) => name.toString('latin1'));
      expect(names).toContain('k\u00fc.png');
      expect(names).toContain('link.png');
      const link = join(folder, label.label, 'link.png');
      expect(lstatSync(link).isSymbolicLink()).toBe(mode === 'symlink');
      expect(readFileSync(link).equals(readFileSync(source))).toBe(true);
    }
  });

  test.each(['copy', 'hardlink', 'symlink'] as const)(
    'by %s again changes nothing; another file of the name stays and is an error',
    async (mode) => {
      const folder = temporaryFolder();
      await recordsOf({ sortInto: { folder, mode } });
      const before = filesBelow(folder);
      await recordsOf({ sortInto: { folder, mode } });
      expect(filesBelow(folder)).toEqual(before);

      const place = join(folder, before[0] as string);
      rmSync(place);
      writeFileSync(place, 'mine');
      await expect(recordsOf({ sortInto: { folder, mode } })).rejects.toMatchObject({
        code: 'NOT_WRITABLE',
        message: expect.stringContaining(place),
        found: 'another file',
      });
      expect(readFileSync(place, 'utf8')).toBe('mine');
      expect(filesBelow(folder)).toEqual(before);
    },
  );

  test('that is given up leaves whole files only', async () => {
    const folder = temporaryFolder();
    const options = { testDir: images, checkpoint, dtype: 'fp32', sortInto: { folder } } as const;
    for await (const record of infer(options)) if ('label' in record) break;
    const left = filesBelow(folder);
    expect(places(images, await recordsOf())).toEqual(expect.arrayContaining(left));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(filesBelow(folder)).toEqual(left);
  });

  test('a file of the same length with other bytes is another one', async () => {
    const folder = temporaryFolder();
    await recordsOf({ sortInto: { folder } });
    const place = join(folder, filesBelow(folder)[0] as string);
    writeFileSync(place, Buffer.alloc(statSync(place).size));
    await expect(recordsOf({ sortInto: { folder } })).rejects.toMatchObject({ found: 'another file' });
  });

  test.each(['.', 'sorted', 'cat/sorted'])('into the folder of images (%s) is refused', async (below) => {
    const testDir = copyOfImages();
    const link = join(temporaryFolder(), 'link');
    symlinkSync(testDir, link);
    for (const folder of [join(testDir, below), join(link, below)])
      await expect(recordsOf({ testDir, sortInto: { folder } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        found: 'one in it',
      });
    expect(filesBelow(testDir)).toEqual(filesBelow(images));
  });

  test('beside the folder of images, by a name that begins alike, is not', async () => {
    const testDir = copyOfImages();
    expect(await recordsOf({ testDir, sortInto: { folder: `${testDir}-sorted` } })).toHaveLength(40);
  });

  test('where a file is in the way is an error', async () => {
    const folder = join(temporaryFolder(), 'file');
    writeFileSync(folder, 'mine');
    await expect(recordsOf({ sortInto: { folder } })).rejects.toMatchObject({ code: 'NOT_WRITABLE' });
  });

  test('in another way than these is refused', async () => {
    const sortInto = { folder: temporaryFolder(), mode: 'move' as 'copy' };
    await expect(recordsOf({ sortInto })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', found: 'move' });
  });

  test.each(['../../stolen', '..', 'a/b'])(
    'by a checkpoint with a class named %s is refused',
    async (name) => {
      const { tensors, meta } = await readCheckpoint(checkpoint);
      const hostile = join(temporaryFolder(), 'hostile.safetensors');
      const classNames = CLASS_NAMES.map((known, label) => (label === 3 ? name : known));
      await saveCheckpoint(hostile, { ...meta, tensors, classNames });
      const folder = join(temporaryFolder(), 'sorted');
      await expect(recordsOf({ checkpoint: hostile, sortInto: { folder } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        found: `"${name}"`,
      });
    },
  );
});
