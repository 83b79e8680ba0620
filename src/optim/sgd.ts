// Stochastic gradient descent with momentum and coupled weight decay, as PyTorch has it: no
// dampening.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import type { Descent } from './rule.js';
import type { Choose } from './selection.js';
import { scaled } from './vector.js';

export interface SgdOptions {
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Added to the gradient as weightDecay * w. */
  readonly weightDecay: number;
}

export function sgd({ momentum, nesterov, weightDecay }: SgdOptions, where: Choose): Descent {
  return {
    state: ['momentum'],
    scalars: (_step, learningRate) => ({ learningRate }),
    apply: (w, gradient, state, { learningRate }, decayAt) => {
      const g = where(tf.add<Tensor1D>(gradient, scaled(decayAt, weightDecay)), gradient);
      const v = tf.add<Tensor1D>(scaled(required(state['momentum'], 'momentum'), momentum), g);
      const step = nesterov ? tf.add<Tensor1D>(g, scaled(v, momentum)) : v;
      return {
        w: tf.sub(w, scaled(step, required(learningRate, 'learningRate'))),
        state: { momentum: v },
      };
    },
  };
}
