// AdamW: Adam with decoupled weight decay, as PyTorch has it.
//
// Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (arXiv 1711.05101). Bias
// corrections are computed on the host in double precision and fed: 1 - beta^t loses its leading
// digits in float32 at small t.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import type { Descent } from './rule.js';
import type { Choose } from './selection.js';
import { scaled } from './vector.js';

export interface AdamwOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

export function adamw(
  { beta1, beta2, epsilon, weightDecay }: AdamwOptions,
  where: Choose,
): Descent {
  return {
    state: ['firstMoment', 'secondMoment'],
    scalars: (step, learningRate) => ({
      keep: 1 - learningRate * weightDecay,
      stepSize: learningRate / (1 - beta1 ** (step + 1)),
      rootCorrection: Math.sqrt(1 - beta2 ** (step + 1)),
    }),
    apply: (w, g, state, { keep, stepSize, rootCorrection }) => {
      const first = tf.add<Tensor1D>(
        scaled(required(state['firstMoment'], 'firstMoment'), beta1),
        scaled(g, 1 - beta1),
      );
      const second = tf.add<Tensor1D>(
        scaled(required(state['secondMoment'], 'secondMoment'), beta2),
        scaled(tf.square(g), 1 - beta2),
      );
      const root = tf.div<Tensor1D>(tf.sqrt(second), required(rootCorrection, 'rootCorrection'));
      const step = tf.div<Tensor1D>(first, tf.add(root, epsilon));
      const kept = where(scaled(w, required(keep, 'keep')), w);
      return {
        w: tf.sub(kept, scaled(step, required(stepSize, 'stepSize'))),
        state: { firstMoment: first, secondMoment: second },
      };
    },
  };
}
