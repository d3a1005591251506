// What must hold before a version is published; npm runs it as `prepublishOnly`. Changes nothing but build outputs. The last that
// `.ci/run` makes is the prebuilt addon, which is what is then packed.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const { version, repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** What is wrong with the sources, before anything takes minutes. */
function faults() {
  const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  // An empty Unreleased may stand above the release.
  const heading = changelog.match(/^## (?!\[Unreleased\]\s*(?=^## )).*$/m)?.[0] ?? 'none';
  const changes = execFileSync('git', ['status', '--porcelain'], { cwd: ROOT, encoding: 'utf8' }).trim();
  return [
    changes === '' ? undefined : `there are changes that are not committed:\n${changes}`,
    new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d\\d-\\d\\d$`).test(heading)
      ? undefined
      : `CHANGELOG.md must begin with "## [${version}] - <date>", and begins with "${heading}"`,
    repository === undefined
      ? 'package.json has no "repository", by which npm resolves the links of the README'
      : undefined,
  ].filter((fault) => fault !== undefined);
}

function run(...words) {
  console.log(`── ${words.join(' ')}`);
  // Where `npm publish` is told to do nothing, what is checked must be done all the same.
  const { npm_config_dry_run: _, ...env } = process.env;
  const { status } = spawnSync(words[0], words.slice(1), { stdio: 'inherit', cwd: ROOT, env });
  if (status !== 0) process.exit(status ?? 1);
}

const found = faults();
for (const fault of found) console.error(`release-check: ${fault}`);
if (found.length > 0) process.exit(1);
run('npm', 'audit', '--omit=dev');
run('.ci/run');
console.log(`release-check: ${version} may be published`);
