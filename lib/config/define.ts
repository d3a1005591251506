// Owns a configuration written in a program: the same as a config file, typed. Must not compose it.
import { configToSnake, type Tree } from './keys.js';
import type { Config } from './validate.js';

type DeepPartial<Value> = Value extends readonly unknown[]
  ? Value
  : Value extends object
    ? { readonly [Key in keyof Value]?: DeepPartial<Value[Key]> | undefined }
    : Value;

/**
 * The options of conf/ by group, of which `config show` prints the values; a test holds them against the folder.
 *
 * @category Configuration
 */
export interface KnownOptions {
  /** Dataset, batches and augmentation; `cifar10` is the default. */
  dataLoading:
    | 'cifar10'
    | 'cifar10_fast94_sgd'
    | 'cifar10_fast96'
    | 'cifar10_rand_augment'
    | 'cifar10_standard'
    | 'cifar10_wrn'
    | 'sample';
  /** The net, `docs/models.md`; `fast` is the default. */
  model:
    | 'cnn'
    | 'fast'
    | 'fast95'
    | 'fast96'
    | 'preact_resnet18'
    | 'preact_resnet34'
    | 'resnet110'
    | 'resnet18'
    | 'resnet20'
    | 'resnet32'
    | 'resnet34'
    | 'resnet44'
    | 'resnet50'
    | 'resnet56'
    | 'wrn16_4'
    | 'wrn16_8'
    | 'wrn28_10'
    | 'wrn40_4';
  /** Optimizer, schedule and length; `fast94` is the default. */
  training: 'adamw' | 'fast94' | 'fast94_sgd' | 'muon' | 'standard';
  /** One of each of the others, for a published result; none is the default. */
  experiment: 'fast94' | 'fast94_sgd' | 'fast95' | 'fast96' | 'resnet18' | 'resnet20' | 'wrn28_10';
}

/**
 * The option to pick for each group: one of `KnownOptions`, or one of a config folder of your own.
 *
 * @category Configuration
 */
export type Defaults = {
  readonly [Group in keyof KnownOptions]?: KnownOptions[Group] | (string & {}) | undefined;
};

/**
 * A configuration written in a program: options to pick and values to set, with the names of `Config`. Everything may
 * be left out; what is not set stays as it is in the default recipe.
 *
 * @category Configuration
 */
export interface ConfigDefinition extends DeepPartial<Config> {
  /** The options to pick. */
  readonly defaults?: Defaults | undefined;
}

/**
 * Returns the definition as it is: an editor completes and checks what is written in it.
 *
 * @category Configuration
 */
export function defineConfig(definition: ConfigDefinition): ConfigDefinition {
  return definition;
}

/** The definition as a config file holds it. */
export function definitionToTree({ defaults, ...values }: ConfigDefinition): Tree {
  const picks = Object.entries(configToSnake(defaults ?? {}));
  const items = picks.map(([group, option]) => ({ [group]: option }));
  return { ...configToSnake(values), defaults: items };
}
