// Owns reading the npm user's settings (registry, proxy, certificates), so that a package is fetched
// the way `npm install` would fetch it. Must not know which package.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The settings under the names that pacote and npm-registry-fetch give them. */
export type NpmSettings = Record<string, unknown>;

/**
 * Asks npm itself, because .npmrc files, their precedence and their variables are its own business.
 * Without npm on the PATH the answer is empty: pacote's defaults and the proxy environment apply.
 * npm's cache is left alone: its writer ends the process when a transfer breaks (make-fetch-happen 15).
 * npm does not reveal credentials, so a registry that wants them is out of reach.
 */
export async function readNpmSettings(signal?: AbortSignal): Promise<NpmSettings> {
  const config = await readNpmConfig(signal);
  const settings = {
    registry: config.registry,
    proxy: config.proxy,
    httpsProxy: config['https-proxy'],
    noProxy: config.noproxy,
    strictSSL: config['strict-ssl'],
    ca: await readCertificates(config),
    cert: config.cert,
    key: config.key,
    replaceRegistryHost: config['replace-registry-host'],
    timeout: config['fetch-timeout'],
  };
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined && value !== null),
  );
}

async function readNpmConfig(signal?: AbortSignal): Promise<Record<string, unknown>> {
  try {
    const { stdout } = await promisify(execFile)(
      'npm',
      ['config', 'list', '--json'],
      signal ? { signal } : {},
    );
    return JSON.parse(stdout);
  } catch (error) {
    if (signal?.aborted) throw error;
    return {};
  }
}

async function readCertificates({ ca, cafile }: Record<string, unknown>): Promise<unknown> {
  return ca ?? (typeof cafile === 'string' ? readFile(cafile, 'utf8').catch(() => undefined) : undefined);
}
