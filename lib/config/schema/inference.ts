// Owns the ranges of what a caller of the library gives for running a trained model; everything is optional there.
import { z } from 'zod';
import { integer } from './primitives.js';
import { runtime } from './training.js';

const { precision, tta_level, ...shared } = runtime;

/** Keys as `configToSnake` makes them of the options: an activation's dtype is a call's `dtype`, a training's `precision`. */
export const inferenceSchema = z
  .object({
    ...shared,
    dtype: precision,
    tta: tta_level,
    top_k: integer(1, 10),
    max_batch: integer(1, 10_000),
    max_delay_ms: z
      .number('a number of milliseconds from 0 to 10000')
      .min(0, 'a number of milliseconds from 0 to 10000')
      .max(10_000, 'a number of milliseconds from 0 to 10000'),
    max_queue: integer(1, 1_000_000),
    max_wait_ms: integer(1, 600_000),
  })
  .partial();
