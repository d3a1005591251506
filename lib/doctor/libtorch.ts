// Owns the check of LibTorch: which one a training would take, and whether it fits the addon.
// Must not load it: the trial of the addon does, in a child process.
import { Cifar10Error } from '../errors.js';
import { haveSameAbi, type LocatedLibtorch, locateLibtorch } from '../libtorch/index.js';
import type { BuiltAddon } from './addon.js';
import type { Finding } from './check.js';

const INSTALL = 'run `npx cifar10-torch install-runtime`';
const INSTALL_OTHER = `leave out LIBTORCH or --libtorch and ${INSTALL}`;

/**
 * The LibTorch that an addon would load; without an addon the first usable one.
 * Errors: `LIBTORCH_NOT_FOUND`, `LIBTORCH_VERSION`.
 */
export async function findLibtorch(addon: Promise<BuiltAddon>): Promise<LocatedLibtorch> {
  const builtForVersion = await addon.then(
    ({ builtForLibtorch }) => builtForLibtorch,
    () => undefined,
  );
  const found = locateOrExplain(builtForVersion);
  if (builtForVersion === undefined || haveSameAbi(found.version, builtForVersion)) return found;
  // Only a folder that was named by hand gets here.
  throw new Cifar10Error('LIBTORCH_VERSION', {
    what: `LibTorch at "${found.path}" does not fit the addon`,
    expected: `the version that it was built for, ${builtForVersion}`,
    found: found.version,
    nextStep: INSTALL_OTHER,
  });
}

export function describeLibtorch(libtorch: LocatedLibtorch, addon: BuiltAddon | undefined): Finding {
  const { path, version, variant, source } = libtorch;
  const fit = addon === undefined ? '' : ', fits the addon';
  const found = `${version} (${variant}) from the ${source}${fit}: ${path}`;
  return {
    status: 'ok',
    found,
    details: { path, version, variant, source, isFit: addon === undefined ? undefined : true },
  };
}

/** What to do about a LibTorch that looks whole and does not work. */
export function replaceStep({ path, source }: LocatedLibtorch): string {
  if (source === 'python') return INSTALL; // it is looked for first
  if (source !== 'cache') return INSTALL_OTHER;
  return `run \`rm -r "${path}" && npx cifar10-torch install-runtime\``;
}

/** What is wrong with a folder that was named by hand, in few words; installing another changes nothing while it is named. */
function locateOrExplain(builtForVersion: string | undefined): LocatedLibtorch {
  try {
    return locateLibtorch({ builtForVersion });
  } catch (error) {
    const folder = process.env.LIBTORCH;
    if (!(error instanceof Cifar10Error) || !folder) throw error;
    const { code, expected, found } = error;
    const details =
      found === 'none'
        ? { what: `"${folder}" lacks ${expected}` }
        : { what: `"${folder}" cannot be used`, expected, found };
    throw new Cifar10Error(code, { ...details, nextStep: INSTALL_OTHER, cause: error });
  }
}
