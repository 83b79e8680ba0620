// The moving average m [P] of gradients, which F-SAM takes out of its climb and VaSSO climbs along.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import type { Rule, Scalars, Vectors } from './rule.js';
import { scaled } from './vector.js';

/** Its name in the state. */
export const EMA = 'ema';

/** The fed numbers: how much of the old average stays, and how much of the gradient comes in. */
export const emaScalars = (decay: number, share: number) => ({ emaDecay: decay, emaShare: share });

/** What it was. */
export const oldAverage = (state: Vectors): Tensor1D => required(state[EMA], EMA);

/** What it is once it has taken in g [P]. */
export const newAverage = (
  state: Vectors,
  g: Tensor1D,
  { emaDecay, emaShare }: Scalars,
): Tensor1D =>
  tf.add(
    scaled(oldAverage(state), required(emaDecay, 'emaDecay')),
    scaled(g, required(emaShare, 'emaShare')),
  );

/** Of a rule whose state it is. */
export const followingAverage: Required<Rule>['follow'] = (g, state, scalars) => ({
  [EMA]: newAverage(state, g, scalars),
});
