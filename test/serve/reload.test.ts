// Another checkpoint in the place of the one that is served: taken when it is whole and works, whatever way it came, and no request
// notices; refused with a warning otherwise.
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCheckpoint } from '../../lib/checkpoint/index.js';
import type { ClassifierServer, ServeOptions } from '../../lib/index.js';
import { makeFile, splitFile } from '../native/hostile-checkpoints.js';
import { temporaryFolder } from '../support.js';
import { call, classify, figures, form, png, sharedCheckpoint, startServer, until } from './support.js';

const first = sharedCheckpoint();
const second = sharedCheckpoint(['training.seed=2']);
const MIB = 2 ** 20;
const versions: string[] = [];

beforeAll(async () => {
  for (const path of [first(), second()]) versions.push((await readCheckpoint(path)).sha256.slice(0, 12));
});

const versionOf = async (server: ClassifierServer): Promise<string> =>
  (await call(server, '/v1/model')).json.version;
const becomes = (server: ClassifierServer, version: string | undefined) =>
  until(`version ${version} is served`, async () => (await versionOf(server)) === version);
const reloads = async (server: ClassifierServer, outcome: string) =>
  (await figures(server)).get(`cifar10_torch_reloads_total{outcome="${outcome}"}`) ?? 0;

/** A server of a copy of the first checkpoint. */
async function serveCopy(options: Partial<ServeOptions> = {}) {
  const path = join(temporaryFolder(), 'served.safetensors');
  copyFileSync(first(), path);
  return { path, server: await startServer(path, options) };
}

/** The first checkpoint with other weights or another head, and the hash that belongs to it. */
async function changed(change: (parts: ReturnType<typeof splitFile>) => void): Promise<Buffer> {
  const parts = splitFile(readFileSync(first()));
  change(parts);
  return makeFile(parts.header, parts.data);
}

describe('when it is asked for', () => {
  test('the new version answers, in every API', async () => {
    const { path, server } = await serveCopy();
    copyFileSync(second(), path);
    expect(await server.reload()).toBe(true);
    expect(versions[0]).not.toBe(versions[1]);
    expect((await classify(server, await png(0))).json.model.version).toBe(versions[1]);
    expect((await call(server, '/v2/models/cifar10')).json.versions).toEqual([versions[1]]);
    expect((await call(server, `/v2/models/cifar10/versions/${versions[0]}/ready`)).status).toBe(404);
    const series = [...(await figures(server)).keys()].filter((key) => key.includes('model_info'));
    expect(series).toEqual([expect.stringContaining(`version="${versions[1]}"`)]);
    expect(await reloads(server, 'loaded')).toBe(1);
  });

  test('the same content changes nothing', async () => {
    const { server } = await serveCopy();
    expect(await server.reload()).toBe(false);
    expect(await reloads(server, 'unchanged')).toBe(1);
  });

  test('requests under way are answered, all of them, over ten reloads', async () => {
    const { path, server } = await serveCopy();
    const images = await Promise.all([0, 1, 2, 3].map(png));
    const seen = new Map<number, number>();
    const answered = new Set<string>();
    let isOver = false;
    const clients = images.map(async (image, client) => {
      while (!isOver) {
        const body = client % 2 === 0 ? image : form(['1', image], ['2', image]);
        const { status, json } = await classify(server, body, client === 0 ? '?tta=2' : '');
        seen.set(status, (seen.get(status) ?? 0) + 1);
        answered.add(json.model?.version);
      }
    });
    for (let time = 0; time < 10; time++) {
      copyFileSync(time % 2 === 0 ? second() : first(), path);
      expect(await server.reload()).toBe(true);
    }
    isOver = true;
    await Promise.all(clients);
    expect([...seen.keys()]).toEqual([200]);
    expect(seen.get(200)).toBeGreaterThan(50);
    expect(answered).toEqual(new Set(versions));
  });

  test('thirty times, memory does not grow', async () => {
    const { path, server } = await serveCopy();
    const rss: number[] = [];
    for (let time = 0; time < 36; time++) {
      copyFileSync(time % 2 === 0 ? second() : first(), path);
      await server.reload();
      rss.push(process.memoryUsage().rss / MIB);
    }
    expect((rss.at(-1) as number) - (rss[5] as number)).toBeLessThan(60);
  });

  test('several at once come to one after another', async () => {
    const { path, server } = await serveCopy();
    copyFileSync(second(), path);
    const outcomes = await Promise.all([server.reload(), server.reload(), server.reload()]);
    expect(outcomes).toEqual([true, false, false]);
  });
});

describe('what cannot be used', () => {
  const notNumbers = ({ data }: { data: Buffer }) => {
    for (let at = 0; at + 4 <= data.length; at += 4) data.writeFloatLE(Number.NaN, at);
  };
  test.each<[string, () => Promise<Buffer> | Buffer]>([
    ['half of a file', () => readFileSync(second()).subarray(0, 10_000)],
    ['an empty file', () => Buffer.alloc(0)],
    [
      'a damaged file',
      () => {
        const bytes = readFileSync(second());
        bytes[bytes.length - 100] = ~(bytes[bytes.length - 100] as number);
        return bytes;
      },
    ],
    ['weights that are no numbers', () => changed(notNumbers)],
    [
      'another number of classes',
      () =>
        changed(({ header }) => {
          const names = JSON.parse(header.__metadata__.class_names as string) as string[];
          header.__metadata__.class_names = JSON.stringify([...names, 'eleventh']);
        }),
    ],
    ['no file', () => Buffer.alloc(0)],
  ])('%s: the old model stays, and the log says why', async (what, make) => {
    const lines: string[] = [];
    const logStream = { write: (line: string) => void lines.push(line) };
    const { path, server } = await serveCopy({ logLevel: 'warn', logStream });
    if (what === 'no file') rmSync(path);
    else writeFileSync(path, await make());
    await expect(server.reload()).rejects.toMatchObject({ code: expect.stringMatching(/^CHECKPOINT_/) });
    expect(await versionOf(server)).toBe(versions[0]);
    expect((await classify(server, await png(0))).status).toBe(200);
    expect(await reloads(server, 'failed')).toBe(1);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({ level: 40, err: { code: expect.any(String) } });
    copyFileSync(second(), path);
    expect(await server.reload()).toBe(true);
    expect((await classify(server, await png(0))).json.model.version).toBe(versions[1]);
  });

  test('a server that was closed does not load', async () => {
    const { server } = await serveCopy();
    await server.close();
    await expect(server.reload()).rejects.toMatchObject({ code: 'CLASSIFIER_CLOSED' });
  });
});

describe('by itself', () => {
  test('written in place, in halves; then deleted and made anew; then replaced by rename', async () => {
    const { path, server } = await serveCopy({ watch: true });
    const bytes = readFileSync(second());
    writeFileSync(path, bytes.subarray(0, bytes.length / 2));
    await until('the half is refused', async () => (await reloads(server, 'failed')) > 0);
    expect(await versionOf(server)).toBe(versions[0]);
    writeFileSync(path, bytes);
    await becomes(server, versions[1]);
    rmSync(path);
    copyFileSync(first(), path);
    await becomes(server, versions[0]);
    copyFileSync(second(), `${path}.new`);
    renameSync(`${path}.new`, path);
    await becomes(server, versions[1]);
  });

  test('a link that is switched, of the file or of its folder', async () => {
    const folder = temporaryFolder();
    for (const [name, from] of [
      ['one', first()],
      ['two', second()],
    ] as const) {
      mkdirSync(join(folder, name));
      copyFileSync(from, join(folder, name, 'net'));
    }
    const link = (target: string) => {
      symlinkSync(target, join(folder, 'next'));
      renameSync(join(folder, 'next'), join(folder, 'current'));
    };
    link('one');
    const server = await startServer(join(folder, 'current', 'net'), { watch: true });
    link('two');
    await becomes(server, versions[1]);
  });

  test('a change while it loads is not missed', async () => {
    const path = join(temporaryFolder(), 'served.safetensors');
    copyFileSync(first(), path);
    const starting = startServer(path, { watch: true });
    await sleep(60); // it has begun
    copyFileSync(second(), `${path}.new`);
    renameSync(`${path}.new`, path);
    await becomes(await starting, versions[1]);
  });

  test('not without watch', async () => {
    const { path, server } = await serveCopy({ watch: false });
    truncateSync(path);
    await sleep(1500);
    expect(await versionOf(server)).toBe(versions[0]);
    expect(await reloads(server, 'failed')).toBe(0);
  });
});
