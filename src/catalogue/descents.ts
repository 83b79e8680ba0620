// One row for each way of applying a gradient, with the keys that it reads.
import { z } from 'zod';
import { key, type Rows } from './key.js';
import { decay, nonNegative, positive } from './values.js';

const weightDecay = key(nonNegative.default(1e-3), {
  role: 'result',
  help: 'Weight decay: added to the gradient by sgd, decoupled in adamw.',
});

/** Without weight decay there is nothing that they could differ in. */
const decayed = key(z.enum(['all', 'matrices']).default('all'), {
  role: 'result',
  help: "Parameters that weight decay acts on; all: every one, as in the F-SAM authors' code; matrices: those of two or more dimensions, so no bias, and no scale or offset of a normalisation.",
  read: (at) => at('optimizer.weightDecay') !== 0,
});

/** What applies a gradient. */
export const DESCENTS = {
  sgd: {
    keys: {
      momentum: key(decay.default(0.9), { role: 'result', help: 'Momentum.' }),
      nesterov: key(z.boolean().default(false), { role: 'result', help: 'Nesterov momentum.' }),
      weightDecay,
      decayed,
    },
  },
  adamw: {
    keys: {
      weightDecay,
      decayed,
      beta1: key(decay.default(0.9), { role: 'result', help: 'Decay of the first moment.' }),
      beta2: key(decay.default(0.999), { role: 'result', help: 'Decay of the second moment.' }),
      epsilon: key(positive.default(1e-8), {
        role: 'result',
        help: 'Added to the root of the second moment.',
      }),
    },
  },
} as const satisfies Rows;

export type DescentName = keyof typeof DESCENTS;
