// Owns where a config of a defaults list belongs: its group, its key for overrides, its package (hydra.cc, "Packages").
import type { ConfigItem } from './defaults-list.js';

/** Where a file stands: the group it lies in and the package its values go to. */
export interface Parent {
  readonly group: string;
  readonly package: string;
}

/** The group's path from the root of the search path. */
export function groupOf(item: ConfigItem, parent: Parent): string {
  if (item.path.startsWith('/')) return item.path.slice(1);
  return [parent.group, item.path].filter((part) => part !== '').join('/');
}

/** What overrides name the group by: its path, and its package where that is not what the path says. */
export function keyOf(item: ConfigItem, parent: Parent): string {
  const group = groupOf(item, parent);
  const pkg = packageOf(item, parent, undefined);
  return pkg === group.replaceAll('/', '.') ? group : `${group}@${pkg || '_global_'}`;
}

/** The package of a file: that of the item, else of the file's header, else the group's path below the parent's. */
export function packageOf(item: ConfigItem, parent: Parent, header: string | undefined): string {
  const relative = item.path.replace(/^\//, '').replaceAll('/', '.');
  const own =
    item.package === '_here_'
      ? ''
      : item.package?.replace('_group_', `_global_.${groupOf(item, parent).replaceAll('/', '.')}`);
  const pkg = own ?? absoluteHeader(header, item, parent) ?? relative;
  const whole = [parent.package, pkg].filter((part) => part !== '').join('.');
  const global = whole.lastIndexOf('_global_');
  return global < 0 ? whole : whole.slice(global + '_global_.'.length);
}

/** A header is always absolute. */
function absoluteHeader(header: string | undefined, item: ConfigItem, parent: Parent): string | undefined {
  if (header === undefined) return undefined;
  const named = header.replace('_group_', groupOf(item, parent).replaceAll('/', '.'));
  return named.startsWith('_global_') ? named : `_global_.${named}`;
}
