// Logits, loss, gradients and the weights after five steps against Python PyTorch (scripts/make-golden.py), in float32
// on the CPU: see docs/parity.md.
import { describe, expect, test } from 'vitest';
import type { TensorData } from '../../lib/checkpoint/index.js';
import { loadNative } from '../../lib/native.js';
import type { TrainingInspection } from '../../lib/native-addon.js';
import { settle } from '../../lib/settle.js';
import {
  BOUND,
  configOf,
  expectSame,
  floatsOf,
  type GoldenModel,
  interleavedPixels,
  logProbabilities,
  numbersOf,
  readInputs,
  readModel,
  relativeError,
  sampled,
  under,
} from './values.js';

const MODELS = [
  'fast',
  'fast_residual',
  'cnn',
  'cnn_group_norm',
  'cnn_without_norm',
  'cifar_resnet8',
  'cifar_resnet20',
  'resnet18',
  'resnet34',
  'resnet50',
  'preact_resnet18',
  'preact_resnet50',
  'wide_resnet16',
];

const inputs = readInputs();

function initialState({ tensors }: GoldenModel) {
  return [...under('initial', tensors)].map(([name, tensor]) => ({ name, ...tensor }));
}

function inspect(
  golden: GoldenModel,
  name: string,
  change: Record<string, unknown> = {},
): TrainingInspection {
  const { images, labels, targets } = inputs;
  return loadNative().inspectTraining({
    config: settle(configOf(golden.model, { ...golden.training[name], ...change })),
    state: initialState(golden),
    images,
    labels,
    targets: name === 'mixed_targets' ? targets : null,
    lrFactors: golden.lrFactors,
  });
}

/**
 * Of nets with 50 layers, but for their logits and losses: among their activations there is nearly always one so close to
 * the kink of its ReLU that the rounding of the processor at hand decides whether a gradient flows. See docs/parity.md.
 */
const KINK_BOUND = 3e-2;

/**
 * Of weights and buffers after five steps. Twice as wide for the 20 layers of `cifar_resnet20`: of 500 seeds none gives a
 * net whose values another order of additions changes by less than 4e-6 under every optimizer, and 1.3e-5 was found.
 */
function stateBound({ model }: GoldenModel): number {
  if (model.depth === 50) return KINK_BOUND;
  return model.name === 'cifar_resnet' && model.depth === 20 ? 2 * BOUND : BOUND;
}

/**
 * Of gradients. The gradient in front of a batch norm is what is left when means have been taken out of it: large terms
 * cancel, and the small rest holds their rounding errors, the more so in a vector (the weight or bias of a norm), whose
 * gradient is a sum over all pixels of all images. PyTorch in float32 differs as much from itself in float64.
 */
function gradientBound({ model }: GoldenModel, { shape }: TensorData): number {
  if (model.depth === 50) return KINK_BOUND;
  const hasBatchNorm = model.name !== 'cnn' || model.norm === 'batch';
  if (!hasBatchNorm) return BOUND;
  return shape.length === 1 ? 30 * BOUND : 5 * BOUND;
}

describe.each(MODELS)('%s', (name) => {
  const golden = readModel(name);

  test('has PyTorch’s logits in training mode and gradients', () => {
    const { logits, gradients } = inspect(golden, 'sgd_nesterov');
    expect(relativeError(logits, floatsOf(golden.tensors.get('train.logits')))).toBeLessThan(BOUND);
    expectSame(gradients, under('gradient', golden.tensors), (tensor) => gradientBound(golden, tensor));
  });

  test.each([
    [0, 'eval.logits'],
    [1, 'eval.logits_mirrored'],
    [2, 'eval.logits_shifted'],
  ])(
    'has PyTorch’s logits in evaluation mode, with test-time augmentation of level %d',
    async (level, key) => {
      const { model, dataLoading } = configOf(golden.model);
      const { normalization } = dataLoading;
      const options = {
        model,
        normalization,
        device: 'cpu',
        precision: 'fp32',
        threads: 2,
        kernels: 'auto',
        maxWinogradTile: 4,
      } as const;
      const predictor = new (loadNative().Predictor)({ ...options, batchSize: 100 }, initialState(golden));
      const { probabilities } = await predictor.classify(interleavedPixels(inputs.pixels), level).result;
      // Probabilities say what the logits are but for a shift of each image's.
      const found = Float64Array.from(probabilities, Math.log);
      expect(relativeError(found, logProbabilities(golden.tensors.get(key)))).toBeLessThan(BOUND);
    },
  );

  test.each(Object.keys(golden.training))('%s: loss, and weights and buffers after five steps', (rule) => {
    const { loss, state, averages } = inspect(golden, rule);
    const values = under(rule, golden.tensors);
    expect(relativeError([loss], numbersOf(values.get('loss')))).toBeLessThan(BOUND);
    expectSame(state.map(sampled), under('state', values), () => stateBound(golden));
    // PyTorch averages the counters of batches too, and rounds them down; here they are copied.
    const floats = averages.filter(({ dtype }) => dtype === 'F32');
    expectSame(floats.map(sampled), under('average', values));
  });
});

test('lookahead of a run that is too short to return to the slow weights changes nothing', () => {
  const golden = readModel('cnn');
  const after = (steps: number | null) =>
    inspect(golden, 'lookahead', { lookahead: { steps, decay: 0.8, power: 3 } }).state;
  expect(after(6)).toEqual(after(null));
  expect(after(5)).not.toEqual(after(null));
});

describe('a value that is a little off is found', () => {
  const golden = readModel('cnn');
  const compare = (rule: string, change: Record<string, unknown>) => () =>
    expectSame(inspect(golden, rule, change).state.map(sampled), under(`${rule}.state`, golden.tensors));
  const optimizerOf = (rule: string) => golden.training[rule]?.optimizer as Record<string, unknown>;

  test.each([
    ['sgd', 'lr', 0.0101],
    ['sgd_momentum', 'momentum', 0.89],
    ['sgd_nesterov', 'weight_decay', 0.09],
    ['sgd_nesterov', 'nesterov', false],
    ['sgd_norms', 'norm_lr_scale', 3.9],
    ['sgd_norms', 'decay_norms_and_biases', true],
    ['adam', 'betas', [0.8, 0.99]],
    ['adam', 'betas', [0.9, 0.9]],
    ['adam', 'epsilon', 1e-6],
    ['adam', 'weight_decay', 0.02],
    ['adamw', 'weight_decay', 0.4],
    ['adamw', 'decay_norms_and_biases', true],
    ['muon', 'newton_schulz_steps', 4],
    ['muon', 'momentum', 0.59],
  ])('%s with another %s', (rule, key, value) => {
    const optimizer = optimizerOf(rule);
    expect(compare(rule, { optimizer })).not.toThrow();
    expect(compare(rule, { optimizer: { ...optimizer, [key]: value } })).toThrow();
  });

  test.each([
    ['clip', { gradient_clip_norm: 0.101 }],
    ['accumulation', { accumulation_steps: 1 }],
    ['lookahead', { lookahead: { steps: 2, decay: 0.79, power: 3 } }],
    ['sgd', { label_smoothing: 0.11 }],
  ])('%s with %j', (rule, change) => {
    expect(compare(rule, {})).not.toThrow();
    expect(compare(rule, change)).toThrow();
  });
});
