// The operations of kernels.ts as tfjs composes them itself: what a tfjs program runs without this
// project.
//
// They are the baseline of `fsam bench` and the outside truth of the kernels' tests; training does
// not use them.
import { tf, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D } from './tensorflow.js';

let active = false;

/** Whether the operations of kernels.ts are composed of tfjs's own at the moment. */
export function usesStockOps(): boolean {
  return active;
}

/** Runs `body` with tfjs's own operations in place of the fused kernels. */
export function withStockOps<T>(body: () => T): T {
  active = true;
  try {
    return body();
  } finally {
    active = false;
  }
}

export function conv2d(
  x: Tensor4D,
  filter: Tensor4D,
  stride: number,
  padding: 'SAME' | 'VALID',
): Tensor4D {
  return tf.conv2d(x, filter, stride, padding === 'SAME' ? 'same' : 'valid');
}

/** See batchNormTraining; the variance handed out is the unbiased one, as there. */
export function batchNormTraining(
  x: Tensor4D,
  scale: Tensor1D,
  offset: Tensor1D,
  epsilon: number,
): { y: Tensor4D; mean: Tensor1D; variance: Tensor1D } {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const [n, h, w] = x.shape;
  const count = n * h * w;
  const y = tf.batchNorm(x, mean as Tensor1D, variance as Tensor1D, offset, scale, epsilon);
  const unbiased = tf.mul<Tensor1D>(variance, count / (count - 1));
  return { y: y, mean: mean as Tensor1D, variance: unbiased };
}

export function relu<T extends Tensor>(x: T): T {
  return tf.relu(x);
}

export function sparseCrossEntropy(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  const targets = tf.oneHot(labels, logits.shape[1]);
  return tf.losses.softmaxCrossEntropy(targets, logits, undefined, 0, tf.Reduction.NONE);
}
