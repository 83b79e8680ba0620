// One row for each schedule of the learning rate, with the keys that only some of them read.
import { z } from 'zod';
import { key, keysOfRows, rowNames, type Rows } from './key.js';
import { count, fraction, nonNegative, positive } from './values.js';

export const SCHEDULES = {
  cosine: {
    keys: {
      floor: key(fraction.default(0), {
        role: 'result',
        help: 'Share of learningRate that it would reach after the last step.',
      }),
    },
  },
  step: {
    keys: {
      milestones: key(
        z
          .array(count)
          .refine(isAscending, 'wanted the epochs in ascending order, each once')
          .default([60, 120, 160]),
        { role: 'result', help: 'Epochs (from 0) at which the rate is multiplied by factor.' },
      ),
      factor: key(positive.max(1).default(0.2), {
        role: 'result',
        help: 'What the rate is multiplied by.',
      }),
    },
  },
  constant: { keys: {} },
  'inverse-sqrt': { keys: {} },
} as const satisfies Rows;

/** The keys of the section, in its order. */
export const SCHEDULE_KEYS = {
  name: key(z.enum(rowNames(SCHEDULES)).default('cosine'), {
    role: 'result',
    help: 'cosine: to its floor over all steps; step: times factor at the milestones; inverse-sqrt: over the root of the step, counted from 1.',
  }),
  learningRate: key(positive.default(0.05), { role: 'result', help: 'The rate after warm-up.' }),
  warmupEpochs: key(nonNegative.default(0), {
    role: 'result',
    help: 'Epochs of linear warm-up from 0, per step.',
  }),
  ...keysOfRows(SCHEDULES, (at) => at('schedule.name')),
} as const;

function isAscending(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] ?? value));
}
