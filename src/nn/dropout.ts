// Layers that leave parts of a network out at random while it is trained.
import { nameScope } from '../native/scope.js';
import { tf, type Tensor, type Tensor4D } from '../native/tensorflow.js';
import type { Layer, NetworkBuilder } from './network.js';

/**
 * Each number is 0 with probability `rate`, the others are divided by 1 - rate (Srivastava et al.,
 * JMLR 15 (2014); inverted, as PyTorch has it). Does nothing in evaluation mode.
 */
export function dropout<T extends Tensor = Tensor4D>(
  builder: NetworkBuilder,
  rate: number,
): Layer<T, T> {
  return masked('dropout', builder, rate, (shape) => shape);
}

/**
 * Each image's whole input [N ...] is 0 with probability `rate`, the others are divided by 1 - rate
 * (stochastic depth: Huang et al., arXiv 1603.09382). For the end of a residual branch.
 */
export function dropPath<T extends Tensor = Tensor4D>(
  builder: NetworkBuilder,
  rate: number,
): Layer<T, T> {
  return masked('drop_path', builder, rate, ([images = 1, ...rest]) => [
    images,
    ...rest.map(() => 1),
  ]);
}

function masked<T extends Tensor>(
  name: string,
  builder: NetworkBuilder,
  rate: number,
  maskShape: (shape: readonly number[]) => readonly number[],
): Layer<T, T> {
  if (rate === 0) return (x) => x;
  builder.drawsRandom = true;
  return (x, pass) => {
    if (pass.mode !== 'training') return x;
    return nameScope(name, () => {
      const kept = tf.greaterEqual(pass.random(maskShape(x.shape)), tf.scalar(rate));
      const mask = tf.mul(tf.cast(kept, 'float32'), tf.scalar(1 / (1 - rate)));
      return tf.mul<T>(x, mask);
    });
  };
}
