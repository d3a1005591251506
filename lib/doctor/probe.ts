// Owns what the child process of `doctor` does: loads the addon, trains one step of a tiny net on embedded images and
// prints one JSON line. Must not be imported: it works when it is loaded. Writes no file.
import { loadConfig } from '../config/index.js';
import { resolveDataset } from '../dataset/index.js';
import { loadNative } from '../native.js';
import type { NativeAddon, StartEvent } from '../native-addon.js';
import { settle } from '../settle.js';
import { type AddonAnswer, printAnswer } from './probe-answer.js';

/** Kernels of each kind that training uses, in a fraction of a second; device, threads and precision are the defaults. */
const TINY = [
  'data_loading=sample',
  'model=cnn',
  'model.widths=[8,8]',
  'model.convs_per_stage=1',
  'training=standard',
  'training.epochs=1',
];

/** Trains until the first step is done and returns what the training said before it. */
async function trainOneStep(addon: NativeAddon): Promise<StartEvent> {
  const config = settle(loadConfig({ overrides: TINY }));
  const files = await resolveDataset({ source: 'sample', dataDir: null });
  let start: StartEvent | undefined;
  const request = { config, trainFiles: files.train, testFiles: files.test, resume: null };
  const job = addon.train(request, (event) => {
    if (event.type === 'start') start = event;
    if (event.type === 'step') job.stop();
  });
  await job.result;
  if (start === undefined) throw new Error('the training ended before its start');
  return start;
}

async function answer(): Promise<AddonAnswer> {
  const addon = loadNative();
  const { device, threads } = await trainOneStep(addon);
  return { ...addon.runtimeInfo(), device, threads };
}

await printAnswer(answer);
