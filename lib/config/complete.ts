// Owns what an override that is being typed may become. Must not know shells.
import { listGroups, listOptions } from './packaged.js';
import { listKeys } from './schema-keys.js';

/**
 * The overrides that begin with what is typed: keys and groups up to their `=`, behind it the options of a group and
 * the values that can be listed. `configDir`: a folder with config groups of your own. Errors:
 * `CONFIG_FILE_NOT_FOUND` for one that cannot be read.
 *
 * @category Configuration
 */
export function completeOverride(typed: string, configDir?: string): string[] {
  const prefix = /^(?:~|\+{0,2})/.exec(typed)?.[0] ?? '';
  const body = typed.slice(prefix.length);
  const equals = body.indexOf('=');
  const words =
    equals < 0
      ? keyWords(prefix, configDir)
      : valueWords(body.slice(0, equals), configDir).map((value) => `${body.slice(0, equals)}=${value}`);
  return words.filter((word) => word.startsWith(body)).map((word) => `${prefix}${word}`);
}

function keyWords(prefix: string, configDir: string | undefined): string[] {
  const keys = listKeys()
    .filter(({ isMap }) => !isMap)
    .map(({ path }) => path);
  const words = [...new Set([...listGroups(configDir), ...keys])];
  return prefix === '~' ? words : words.map((word) => `${word}=`);
}

function valueWords(key: string, configDir: string | undefined): string[] {
  const options = listOptions(key, configDir);
  if (options.length > 0) return options;
  const keys = listKeys().filter(({ path }) => path === key);
  return [...new Set(keys.flatMap(({ values }) => values.map(String)))];
}
