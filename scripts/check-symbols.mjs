// Prints which versions of the system's libraries the prebuilt binaries ask for, and fails where one asks for more than LibTorch
// does: glibc 2.28, and the libstdc++ of GCC 6. Also that they look for LibTorch nowhere: the loader opens it.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(dirname(fileURLToPath(import.meta.url))), 'prebuilds', `linux-${process.arch}`);
/** As LibTorch 2.13's own libraries. */
const LIMITS = { GLIBC: '2.28', GLIBCXX: '3.4.22', CXXABI: '1.3.11' };

const isNewer = (version, than) => version.localeCompare(than, 'en', { numeric: true }) > 0;

/** The newest version of each library's symbols. */
function neededVersions(file) {
  const symbols = execFileSync('objdump', ['-T', file], { encoding: 'utf8' });
  const newest = {};
  for (const [, library, version] of symbols.matchAll(/\*UND\*.*\((GLIBC|GLIBCXX|CXXABI)_([\d.]+)\)/g))
    if (newest[library] === undefined || isNewer(version, newest[library])) newest[library] = version;
  return newest;
}

function searchPaths(file) {
  const header = execFileSync('objdump', ['-p', file], { encoding: 'utf8' });
  return header.match(/^\s*(RPATH|RUNPATH)\s+.*/gm) ?? [];
}

const names = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
const faults = names.length > 0 ? [] : [`there is nothing in ${FOLDER}: run \`npm run prebuilds\``];
for (const name of names) {
  const file = join(FOLDER, name);
  const needed = neededVersions(file);
  const words = Object.entries(needed).map(([library, version]) => `${library} ${version}`);
  console.log(`${name}: ${statSync(file).size} bytes, asks for ${words.sort().join(', ')}`);
  for (const [library, version] of Object.entries(needed))
    if (isNewer(version, LIMITS[library]))
      faults.push(`${name}: ${library} ${version} is newer than ${LIMITS[library]}`);
  for (const path of searchPaths(file)) faults.push(`${name}: has a search path: ${path.trim()}`);
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
