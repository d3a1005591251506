// Owns LibTorch versions: which one is built against, which are accepted, and what a text or a folder says about itself.
// Must not search for folders.
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { libraryNames } from './library-names.js';

/** The version that is installed and built against. */
export const BUILD_VERSION = '2.13.0';

/** In words, for messages. */
export const ACCEPTED_VERSIONS = '2.11 to 2.14';
const OLDEST_MINOR = 11;
const NEWEST_MINOR = 14;

/**
 * Which LibTorch it is.
 *
 * @category Diagnostics
 */
export interface TorchVersion {
  /** Three numbers: `2.13.0`. */
  version: string;
  /** What it was compiled for: `cpu`, `cu130`… */
  variant: string;
}

/** Whether a source build may use this version. */
export function isAcceptedVersion(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major === 2 && minor !== undefined && minor >= OLDEST_MINOR && minor <= NEWEST_MINOR;
}

/** Whether an addon built for one version runs with the other: LibTorch's C++ ABI changes with each minor version. */
export function haveSameAbi(left: string, right: string): boolean {
  const abi = (version: string) => version.split('.').slice(0, 2).join('.');
  return abi(left) === abi(right);
}

/** Files that name the version, relative to the folder, in the order of trust. */
export const VERSION_FILES = ['build-version', 'version.py'];
const VERSION_HEADERS = ['include/torch/headeronly/version.h', 'include/torch/version.h'];

const VERSION_LIMIT = 200; // characters
const FILE_LIMIT_BYTES = 1 << 16; // those of LibTorch take at most two kilobytes

/** Reads the content of one of `VERSION_FILES`; `undefined` if it names no version. `variant` is absent where the text lacks one. */
export function parseVersionText(text: string): { version: string; variant?: string } | undefined {
  const quoted = /^__version__\s*=\s*['"]([^'"]+)['"]/m.exec(text)?.[1] ?? text.trim();
  if (quoted.length > VERSION_LIMIT) return undefined;
  const [, version, variant] = /^(\d+\.\d+\.\d+)(?!\d)[^+\s]*(?:\+([A-Za-z0-9.]+))?$/.exec(quoted) ?? [];
  if (version === undefined) return undefined;
  return variant === undefined ? { version } : { version, variant };
}

function parseVersionHeader(text: string): { version: string } | undefined {
  const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`^#define TORCH_VERSION_${part} (\\d{1,9})\\b`, 'm').exec(text)?.[1],
  );
  return parts.includes(undefined) ? undefined : { version: parts.join('.') };
}

/** The version that the files of a LibTorch folder state; `undefined` if none does. */
export function readVersion(folder: string): TorchVersion | undefined {
  const read = (names: string[], parse: typeof parseVersionText) =>
    names.map((name) => parse(readStart(join(folder, name)) ?? '')).find((found) => found !== undefined);
  const found = read(VERSION_FILES, parseVersionText) ?? read(VERSION_HEADERS, parseVersionHeader);
  return found && { variant: guessVariant(hasCudaLibraries(folder)), ...found };
}

function hasCudaLibraries(folder: string): boolean {
  return libraryNames().cuda.some((name) => existsSync(join(folder, 'lib', name)));
}

/** The start of a plain file; `undefined` of what is none or cannot be read: the folder then states no version there. */
function readStart(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return undefined; // opening a pipe would wait for a writer
    const file = openSync(path, 'r');
    try {
      const start = Buffer.alloc(FILE_LIMIT_BYTES);
      return start.toString('utf8', 0, readSync(file, start, 0, start.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/** The variant of a LibTorch whose version text names none. */
export function guessVariant(hasCuda: boolean): string {
  return hasCuda ? 'cuda' : 'cpu';
}
