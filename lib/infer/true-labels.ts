// Owns reading the true classes of images from the names of their folders.
import { basename, dirname, resolve } from 'node:path';
import { nearestKey } from '../config/index.js';
import { Cifar10Error } from '../errors.js';
import { quoted } from '../printable.js';

/** Of folders that an error names. */
const MAX_NAMED = 3;

/** The name of the folder that an image lies in: `cat` for `photos/cat/1.png`. */
export function trueLabelOf(file: string): string {
  return basename(dirname(resolve(file)));
}

/** Passes if each of the files lies in a folder named as a class. Errors: `INVALID_ARGUMENT`, which names folders that are not. */
export function assertTrueLabels(files: Iterable<string>, classNames: readonly string[]): void {
  const known = new Set(classNames);
  const unknown = new Set<string>();
  for (const file of files) if (!known.has(trueLabelOf(file))) unknown.add(dirname(file));
  if (unknown.size === 0) return;
  const named = [...unknown].slice(0, MAX_NAMED).map((folder) => describe(folder, classNames));
  const more = unknown.size > named.length ? ` and ${unknown.size - named.length} more` : '';
  throw new Cifar10Error('INVALID_ARGUMENT', {
    what: 'the folders of some images are not named as classes',
    expected: classNames.map(quoted).join(', '),
    found: `${named.join(', ')}${more}`,
    nextStep: 'put each image into a folder named as its class, or do without true labels',
  });
}

function describe(folder: string, classNames: readonly string[]): string {
  const near = nearestKey(basename(resolve(folder)), classNames);
  return near === undefined ? quoted(folder) : `${quoted(folder)} (did you mean ${quoted(near)}?)`;
}
