// How far a run has come: with the engine's state, all that is needed to go on from there.
import { z } from 'zod';
import { epochSumsSchema, NO_SUMS } from './sums.js';
import { NO_TIME, timingSchema } from './timing.js';

/**
 * The counters of the random streams are among it: `epoch` is that of the order, `step` that of the
 * augmentation. JSON gives every number back exactly.
 */
export const progressSchema = z.strictObject({
  /** Epochs completed: evaluated, and their rows written. */
  epoch: z.int().min(0),
  /** Training steps done, over the whole run. */
  step: z.int().min(0),
  /**
   * Training steps done in the epoch under way; all of them where only its evaluation is missing.
   */
  stepInEpoch: z.int().min(0),
  sums: epochSumsSchema,
  /**
   * What runs are judged by, of the test set at the best epoch so far; 0 before the first evaluation.
   * Checkpoints call it so, whatever the task's measure is.
   */
  bestTestAccuracy: z.number(),
  timing: timingSchema,
  finished: z.boolean(),
});
export type Progress = z.infer<typeof progressSchema>;

export const BEGINNING: Progress = {
  epoch: 0,
  step: 0,
  stepInEpoch: 0,
  sums: NO_SUMS,
  bestTestAccuracy: 0,
  timing: NO_TIME,
  finished: false,
};
