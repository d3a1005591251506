// Owns where a training stands as its checkpoint tells it: the counters beside the tensors, and that they do not contradict
// each other or what counters can be. Must not know the configuration: how long an epoch is, nobody says here.
import { z } from 'zod';

const count = z.int().min(0);
const seconds = z.number().min(0);
const bestSchema = z.object({ value: z.number().nullable(), epoch: count, staleLooks: count });

const counters = z.object({
  step: count,
  trainedImages: count,
  trainSeconds: seconds,
  epochTotals: z.object({
    steps: count,
    images: count,
    loss: z.number(),
    accuracy: z.number(),
    seconds,
  }),
  best: bestSchema,
  stopping: bestSchema,
  hasEndedEarly: z.boolean(),
});

/** Where a training stands, beside its tensors. */
export type TrainingProgress = z.infer<typeof counters>;

/** Of sums that were rounded on the way, for an image. */
const ROUNDING = 1e-6;

type Rule = readonly [path: readonly string[], expected: string, holds: (its: TrainingProgress) => boolean];

const RULES: readonly Rule[] = [
  [['trainedImages'], 'images where there are steps', (its) => its.trainedImages >= its.step],
  [['trainSeconds'], 'time where there are steps', (its) => its.trainSeconds > 0 === its.step > 0],
  [['trainSeconds'], 'no less than in its epoch', isSpent],
  [['epochTotals', 'steps'], 'no more than all steps', (its) => its.epochTotals.steps <= its.step],
  [['epochTotals', 'images'], 'no more than all images', hasEpochImages],
  [['epochTotals', 'loss'], 'a sum that is not negative', hasLoss],
  [['epochTotals', 'accuracy'], 'a number from 0 to that of the images', hasAccuracy],
  [['best'], 'an epoch of those that have ended', (its) => isBehind(its, its.best)],
  [['stopping'], 'an epoch of those that have ended', (its) => isBehind(its, its.stopping)],
  [
    ['hasEndedEarly'],
    'looks without improvement',
    (its) => !its.hasEndedEarly || its.stopping.staleLooks > 0,
  ],
];

export const progressSchema = counters.superRefine((progress, context) => {
  for (const [path, expected, holds] of RULES)
    if (!holds(progress)) context.addIssue({ code: 'custom', path: [...path], message: `not ${expected}` });
});

function isSpent({ trainSeconds, epochTotals }: TrainingProgress): boolean {
  return epochTotals.seconds <= trainSeconds * (1 + ROUNDING);
}

function hasEpochImages({ trainedImages, epochTotals: { steps, images } }: TrainingProgress): boolean {
  return images >= steps && images <= trainedImages && images > 0 === steps > 0;
}

/** A cross-entropy, also one with smoothed or mixed labels. */
function hasLoss({ epochTotals: { images, loss } }: TrainingProgress): boolean {
  return loss >= -ROUNDING * images && (images > 0 || loss === 0);
}

function hasAccuracy({ epochTotals: { images, accuracy } }: TrainingProgress): boolean {
  return accuracy >= 0 && accuracy <= images * (1 + ROUNDING);
}

/** An epoch has as many steps as the one under way at least, and is looked at once at most. */
function isBehind({ step, epochTotals }: TrainingProgress, best: TrainingProgress['best']): boolean {
  const ended = (step - epochTotals.steps) / Math.max(1, epochTotals.steps);
  return best.epoch + best.staleLooks <= ended && (best.value === null) === (best.epoch === 0);
}
