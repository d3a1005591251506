// Owns what an image is told to be: probabilities as named and ranked classes. Must not know models.

/**
 * A class and how probable it is.
 *
 * @category Inference
 */
export interface ClassProbability {
  /** The name of the class: `cat`. */
  label: string;
  /** 0–1, the softmax of the logits; all classes sum to 1. */
  probability: number;
}

/**
 * The most probable class of an image, and those after it.
 *
 * @category Inference
 */
export interface Prediction extends ClassProbability {
  /** The most probable classes, in falling order; the first is `label`. */
  topK: ClassProbability[];
}

/** `probabilities`: [classes], in the order of `classNames`; `count`: of classes to list, at most all. */
export function rank(probabilities: Float32Array, classNames: readonly string[], count: number): Prediction {
  const ranked = classNames
    .map((label, index) => ({ label, probability: probabilities[index] as number }))
    .sort((a, b) => b.probability - a.probability);
  return { ...(ranked[0] as ClassProbability), topK: ranked.slice(0, count) };
}
