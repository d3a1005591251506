// Owns how defaults lists become one list of layers, as Hydra 1.3 expands them (hydra.cc, "The Defaults List"):
// depth first, later wins; an `override` reaches what comes before it, and the outermost one counts.
// Must not merge the layers nor know keys by name.
import { Cifar10Error } from '../../errors.js';
import { type ConfigItem, type DefaultsItem, splitDefaults } from './defaults-list.js';
import { describePlace, type MapNode, type Place } from './node.js';
import { type Override, severalValues } from './override.js';
import { groupOf, keyOf, type Parent, packageOf } from './packages.js';
import type { SearchPath } from './search-path.js';

/** The values of one file and where in the tree they belong. */
export interface Layer {
  /** `training.optimizer`; empty for the root. */
  readonly package: string;
  readonly values: MapNode;
}

/** The config that everything begins with. */
export interface Primary {
  readonly items: readonly DefaultsItem[];
  readonly values: MapNode;
  /** Where its values go. */
  readonly package: string;
  /** Whether its picks are a person's: an `override` in an option does not replace them. */
  readonly isByHand: boolean;
  /** Groups that `config` does not pick, since the primary config picks them. */
  readonly replacesInRoot: ReadonlySet<string>;
}

export interface Expansion {
  readonly layers: readonly Layer[];
  /** The options of each group, by its key: `model`, `db@backup`. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
}

export const ROOT_CONFIG = 'config';

/**
 * Expands the primary config with the group overrides of the command line.
 * Errors: `CONFIG_FILE_INVALID`, `CONFIG_UNKNOWN_OPTION`, `CONFIG_INVALID_OVERRIDE`, `CONFIG_VALUE_MISSING`.
 */
export function expandDefaults(
  path: SearchPath,
  primary: Primary,
  overrides: readonly Override[],
): Expansion {
  return new Expander(path, primary, overrides).expand();
}

interface Pick {
  readonly options: readonly string[] | undefined;
  readonly at: Place;
  isUsed: boolean;
}

interface Deletion {
  readonly option: string | undefined;
  readonly override: Override;
  isUsed: boolean;
}

class Expander {
  readonly #path: SearchPath;
  readonly #primary: Primary;
  readonly #appended: readonly ConfigItem[];
  /** What replaces the option that a defaults list names, by the key of the group. */
  readonly #picks = new Map<string, Pick>();
  readonly #deletions = new Map<string, Deletion>();
  readonly #choices = new Map<string, readonly string[]>();
  /** The files whose lists are being expanded. */
  readonly #open: string[] = [];

  constructor(path: SearchPath, primary: Primary, overrides: readonly Override[]) {
    this.#path = path;
    this.#primary = primary;
    this.#appended = overrides.filter(({ kind }) => kind === 'add').map(toItem);
    for (const override of overrides) this.#register(override);
  }

  expand(): Expansion {
    const { items, values, isByHand } = this.#primary;
    const root = { group: '', package: this.#primary.package };
    this.#registerOverrides(items, root);
    // Appended groups come behind the primary config's own values: an experiment replaces them.
    const appended = this.#expandItems(this.#appended, values, root);
    if (isByHand) this.#pinPicks(items, root);
    const own = this.#expandItems(items, values, root);
    this.#assertAllUsed();
    return { layers: [...own, ...appended], choices: this.#choices };
  }

  #register(override: Override): void {
    const key = keyOfOverride(override);
    if (override.kind === 'force-add')
      throw invalidGroupOverride(override, 'no "++" for a group', `write ${key}=… or +${key}=…`);
    if (override.kind === 'delete') {
      const options = optionsOf(override);
      this.#deletions.set(key, { option: options?.[0], override, isUsed: false });
    } else if (override.kind === 'change') {
      this.#picks.set(key, { options: optionsOf(override), at: override.keyAt, isUsed: false });
    }
  }

  #pinPicks(items: readonly DefaultsItem[], parent: Parent): void {
    for (const item of items) {
      if (item.kind !== 'group' || item.isOverride) continue;
      const key = keyOf(item, parent);
      if (!this.#picks.has(key)) this.#picks.set(key, { options: item.options, at: item.at, isUsed: true });
    }
  }

  /** The one registered first counts: the command line's, then that of the outermost file. */
  #registerOverrides(items: readonly DefaultsItem[], parent: Parent): void {
    for (const item of items) {
      if (item.kind === 'self' || !item.isOverride) continue;
      const key = keyOf(item, parent);
      if (!this.#picks.has(key)) this.#picks.set(key, { options: item.options, at: item.at, isUsed: false });
    }
  }

  /** `values` belong to the file whose list this is. */
  #expandItems(items: readonly DefaultsItem[], values: MapNode, parent: Parent): Layer[] {
    // From the last to the first, so that an override in a later item reaches the earlier ones.
    const layers = items.toReversed().map((item) => {
      if (item.kind === 'self') return [{ package: parent.package, values }];
      return item.isOverride ? [] : this.#expandItem(item, parent);
    });
    return layers.toReversed().flat();
  }

  #expandItem(item: ConfigItem, parent: Parent): Layer[] {
    if (item.kind === 'config') return this.#expandOptions(item, item.options, parent);
    const key = keyOf(item, parent);
    const pick = this.#picks.get(key);
    if (pick !== undefined) pick.isUsed = true;
    const options = pick === undefined ? item.options : pick.options;
    if (this.#isDeleted(key, options)) return [];
    if (this.#choices.has(key)) throw this.#pickedTwice(key, item);
    if (options === undefined) throw this.#missingPick(key, item, parent);
    this.#choices.set(key, options);
    return this.#expandOptions(pick === undefined ? item : { ...item, at: pick.at }, options, parent);
  }

  #expandOptions(item: ConfigItem, options: readonly string[] | undefined, parent: Parent): Layer[] {
    return (options ?? [])
      .toReversed()
      .map((option) => this.#expandFile(item, option, parent))
      .toReversed()
      .flat();
  }

  #expandFile(item: ConfigItem, option: string, parent: Parent): Layer[] {
    const group = groupOf(item, parent);
    const path = group === '' ? option : `${group}/${option}`;
    const file = this.#path.find(path);
    if (file === undefined && item.isOptional) return [];
    if (file === undefined) throw this.#path.unknownOption(group, option, item.at);
    if (this.#open.includes(path)) throw endless([...this.#open, path], item.at);
    const { items, values } = splitDefaults(file.root);
    const own = {
      group: path.slice(0, Math.max(0, path.lastIndexOf('/'))),
      package: packageOf(item, parent, file.packageHeader),
    };
    const isReplaced = (inner: DefaultsItem) =>
      inner.kind === 'group' && this.#primary.replacesInRoot.has(keyOf(inner, own));
    const kept = path === ROOT_CONFIG ? items.filter((inner) => !isReplaced(inner)) : items;
    this.#registerOverrides(kept, own);
    this.#open.push(path);
    const layers = this.#expandItems(kept, values, own);
    this.#open.pop();
    return layers;
  }

  #isDeleted(key: string, options: readonly string[] | undefined): boolean {
    const deletion = this.#deletions.get(key);
    if (deletion === undefined) return false;
    const matches = deletion.option === undefined || options?.join() === deletion.option;
    if (matches) deletion.isUsed = true;
    return matches;
  }

  #missingPick(key: string, item: ConfigItem, parent: Parent): Cifar10Error {
    const options = this.#path.options(groupOf(item, parent));
    return new Cifar10Error('CONFIG_VALUE_MISSING', {
      what: `an option of "${key}" must be picked (${describePlace(item.at)})`,
      expected: `one of ${options.join(', ')}`,
      found: '???',
      nextStep: `add ${key}=<option>`,
    });
  }

  #pickedTwice(key: string, item: ConfigItem): Cifar10Error {
    const appended = this.#appended.find((other) => keyOf(other, { group: '', package: '' }) === key);
    const names = (options: readonly string[] | undefined) => options?.join() ?? '???';
    return new Cifar10Error(appended ? 'CONFIG_INVALID_OVERRIDE' : 'CONFIG_FILE_INVALID', {
      what: `"${key}" is picked twice (${describePlace(appended?.at ?? item.at)})`,
      expected: 'one option for each group',
      found: `${names(item.options)} and ${names(this.#choices.get(key))}`,
      nextStep: appended
        ? `leave the "+" out: ${key}=${names(appended.options)}`
        : `write "override /${key}: ${names(item.options)}" in one of the lists`,
    });
  }

  #assertAllUsed(): void {
    for (const [key, { at, isUsed, options }] of this.#picks)
      if (!isUsed) throw this.#unusedPick(key, at, options);
    for (const [key, { override, isUsed }] of this.#deletions)
      if (!isUsed)
        throw invalidGroupOverride(
          override,
          `"${key}" in a defaults list, with that option if one is given`,
          'leave it out',
        );
  }

  #unusedPick(key: string, at: Place, options: readonly string[] | undefined): Cifar10Error {
    const [group = ''] = key.split('@');
    const others = [...this.#choices.keys()].filter((choice) => choice.split('@')[0] === group);
    const append = at.kind === 'override' ? `, or add the group with +${key}=${options?.join() ?? ''}` : '';
    return new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
      what: `"${key}" cannot be overridden (${describePlace(at)})`,
      expected: `one of ${[...this.#choices.keys()].join(', ')}, before the override in the defaults list`,
      found: `"${key}"`,
      nextStep:
        others.length > 0
          ? `override ${others.join(' or ')}${append}`
          : `check the name of the group${append}`,
    });
  }
}

function endless(paths: readonly string[], at: Place): Cifar10Error {
  return new Cifar10Error('CONFIG_FILE_INVALID', {
    what: `a defaults list names a file that it is part of (${describePlace(at)})`,
    expected: 'lists that come to an end',
    found: paths.join(' → '),
    nextStep: 'take one of these items out',
  });
}

function toItem(override: Override): ConfigItem {
  return {
    kind: 'group',
    at: override.keyAt,
    path: `/${override.key}`,
    options: optionsOf(override),
    package: override.package,
    isOverride: false,
    isOptional: false,
  };
}

function keyOfOverride(override: Override): string {
  return override.package === undefined ? override.key : `${override.key}@${override.package}`;
}

/** The names behind `=`. Undefined only where nothing stands there. */
function optionsOf(override: Override): readonly string[] | undefined {
  if (override.value === undefined) return undefined;
  if (override.value.kind === 'sweep') throw severalValues(override);
  const node = override.value.kind === 'value' ? override.value.node : undefined;
  const nodes = node?.kind === 'list' ? node.items : [node];
  const names = nodes.map((item) => (item?.kind === 'scalar' ? item.value : undefined));
  if (names.every((name) => typeof name === 'string')) return names;
  throw invalidGroupOverride(
    override,
    'the name of an option, or a list of names',
    `write ${override.key}=<option>`,
  );
}

function invalidGroupOverride(override: Override, expected: string, nextStep: string): Cifar10Error {
  return new Cifar10Error('CONFIG_INVALID_OVERRIDE', {
    what: `${describePlace(override.keyAt)}, cannot be applied to a group`,
    expected,
    found: `"${override.text}"`,
    nextStep,
  });
}
