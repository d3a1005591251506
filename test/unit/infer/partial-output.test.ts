// The file of records between two runs: one process at a time goes on with it, and only with what was written.
import { readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { PartialOutput } from '../../../bin/partial-output.js';
import { RecordCounts } from '../../../bin/record-counts.js';
import { formatOfFile } from '../../../bin/record-file.js';
import { temporaryFolder } from '../../support.js';

const RECORD = { file: 'a.png', label: 'cat', probability: 1, topK: [] };
/** Of no process: Linux gives at most 2^22. */
const NO_PID = 2 ** 30;

let output: string;
let statePath: string;

/** Of a process that has ended, one record. */
beforeEach(async () => {
  output = join(temporaryFolder(), 'records.jsonl');
  statePath = `${output}.partial.json`;
  const first = await open();
  await addOne(first, new RecordCounts());
  expect(await first.keep()).toBe(1);
  setProcess(hostname());
});

const open = () => PartialOutput.open(output, formatOfFile(output, false), true);

function setProcess(host: string): void {
  const state = JSON.parse(readFileSync(statePath, 'utf8')) as object;
  writeFileSync(statePath, JSON.stringify({ ...state, process: { host, pid: NO_PID, started: null } }));
}

async function addOne(partial: PartialOutput, counts: RecordCounts): Promise<void> {
  await partial.begin({}, counts);
  counts.add(RECORD);
  await partial.add(RECORD);
}

describe('what a process has left', () => {
  test('is gone on with by one of two that have found it', async () => {
    const [one, other] = [await open(), await open()];
    await addOne(one, new RecordCounts(one.before));
    await expect(other.begin({}, new RecordCounts(other.before))).rejects.toMatchObject({
      code: 'OUTPUT_UNFINISHED',
      found: `process ${process.pid}, which is running`,
    });
    expect(await other.keep()).toBe(0);
    await one.publish();
    expect(readFileSync(output, 'utf8')).toBe(`${JSON.stringify(RECORD)}\n`.repeat(2));
  });

  test.each([false, true])(
    'is not gone on with by one that has not seen its end (published: %s)',
    async (isPublished) => {
      const [one, other] = [await open(), await open()];
      await addOne(one, new RecordCounts(one.before));
      if (isPublished) await one.publish();
      else await one.keep();
      if (!isPublished) setProcess(hostname());
      await expect(other.begin({}, new RecordCounts(other.before))).rejects.toMatchObject({
        code: 'OUTPUT_CHANGED',
        nextStep: 'run the command again',
      });
    },
  );

  test('on another machine is left to it for a minute', async () => {
    setProcess('elsewhere');
    await expect(open()).rejects.toMatchObject({
      code: 'OUTPUT_UNFINISHED',
      found: `something saved since by process ${NO_PID} on "elsewhere"`,
    });
    const before = Date.now() / 1000 - 61;
    utimesSync(statePath, before, before);
    const partial = await open();
    await addOne(partial, new RecordCounts(partial.before));
    expect(await partial.keep()).toBe(2);
  });

  test('is not made longer where it has lost bytes', async () => {
    truncateSync(`${output}.partial`, 5);
    const state = readFileSync(statePath, 'utf8');
    const partial = await open();
    await expect(partial.begin({}, new RecordCounts(partial.before))).rejects.toMatchObject({
      code: 'OUTPUT_CHANGED',
      found: '5',
    });
    expect(await partial.keep()).toBe(0);
    expect(readFileSync(`${output}.partial`)).toHaveLength(5);
    expect(readFileSync(statePath, 'utf8')).toBe(state);
  });
});
