// Owns what is published about the models of conf/: accuracies with their sources. Facts only; what can be measured
// (parameters, multiply–adds) is measured in lib/model-list.ts.

/**
 * A test accuracy on CIFAR-10 that others have published for the same net, trained by their recipe.
 *
 * @category Models
 */
export interface PublishedAccuracy {
  /** Fraction of the 10,000 test images. */
  readonly accuracy: number;
  /** Short name of the repository or the paper. */
  readonly source: string;
  /** Where it is published. */
  readonly url: string;
  /** How it was measured, and where that net differs from this one. */
  readonly note: string;
}

const airbench = (script: string, note: string) => ({
  source: 'cifar10-airbench',
  url: `https://github.com/KellerJordan/cifar10-airbench/blob/master/${script}`,
  note: `${note}, with test-time augmentation`,
});
const CHENYAOFO = {
  source: 'pytorch-cifar-models',
  url: 'https://github.com/chenyaofo/pytorch-cifar-models',
  note: 'as its README has it',
};
const KUANGLIU = {
  source: 'pytorch-cifar',
  url: 'https://github.com/kuangliu/pytorch-cifar',
  note: 'as its README has it',
};
const HE_2015 = { source: 'arXiv 1512.03385', url: 'https://arxiv.org/abs/1512.03385' };
const WIDE = { source: 'arXiv 1605.07146', url: 'https://arxiv.org/abs/1605.07146' };
const WIDE_NOTE = 'as the paper has it';

/** By option of conf/model; an option that is missing here has no figure that we know of. */
export const PUBLISHED_ACCURACY: Readonly<Record<string, PublishedAccuracy>> = {
  fast: { accuracy: 0.9401, ...airbench('airbench94_muon.py', 'mean of 200 trainings') },
  fast95: { accuracy: 0.9501, ...airbench('airbench95.py', 'mean of 200 trainings') },
  fast96: { accuracy: 0.9603, ...airbench('airbench96.py', 'mean, as the README has it') },
  resnet20: { accuracy: 0.926, ...CHENYAOFO },
  resnet32: { accuracy: 0.9353, ...CHENYAOFO },
  resnet44: { accuracy: 0.9401, ...CHENYAOFO },
  resnet56: { accuracy: 0.9437, ...CHENYAOFO },
  resnet110: {
    accuracy: 0.9339,
    ...HE_2015,
    note: 'table 6: mean of 5 trainings, the best 93.57 %; shortcuts without parameters (option A)',
  },
  resnet18: { accuracy: 0.9302, ...KUANGLIU },
  resnet50: { accuracy: 0.9362, ...KUANGLIU },
  preact_resnet18: { accuracy: 0.9511, ...KUANGLIU, note: `${KUANGLIU.note}; without the last batch norm` },
  wrn16_4: { accuracy: 0.9498, ...WIDE, note: WIDE_NOTE },
  wrn16_8: { accuracy: 0.9573, ...WIDE, note: WIDE_NOTE },
  wrn28_10: { accuracy: 0.96, ...WIDE, note: `${WIDE_NOTE}; 96.11 % with dropout 0.3` },
  wrn40_4: { accuracy: 0.9547, ...WIDE, note: WIDE_NOTE },
};
