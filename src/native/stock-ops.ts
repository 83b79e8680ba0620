// The operations of kernels.ts and pooling.ts as tfjs composes them itself: what a tfjs program runs without this
// project.
//
// They are the baseline of `fsam bench` and the outside truth of the kernels' tests; training does
// not use them.
import {
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from './tensorflow.js';
import type { Window } from './types.js';

type Padding = Window['padding'];

let active = false;

/** Whether the operations of this folder are composed of tfjs's own at the moment. */
export function usesStockOps(): boolean {
  return active;
}

/** Runs `body` with tfjs's own operations in place of ours. */
export function withStockOps<T>(body: () => T): T {
  active = true;
  try {
    return body();
  } finally {
    active = false;
  }
}

export function conv2d(x: Tensor4D, filter: Tensor4D, stride: number, padding: Padding): Tensor4D {
  return tf.conv2d(x, filter, stride, paddingName(padding));
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
  return crossEntropy(logits, tf.oneHot(labels, logits.shape[1]) as Tensor2D);
}

export function crossEntropy(logits: Tensor2D, targets: Tensor2D): Tensor1D {
  return tf.losses.softmaxCrossEntropy(targets, logits, undefined, 0, tf.Reduction.NONE);
}

const paddingName = (padding: Padding) => (padding === 'SAME' ? 'same' : 'valid');

export function maxPool(x: Tensor4D, { size, stride, padding }: Window): Tensor4D {
  return tf.maxPool(x, size, stride, paddingName(padding));
}

export function averagePool(x: Tensor4D, { size, stride, padding }: Window): Tensor4D {
  return tf.avgPool(x, size, stride, paddingName(padding));
}

/** See gatherRows; bytes are int32 here: tfjs has no uint8. */
export function gatherRows(table: Tensor, indices: Tensor): Tensor {
  return tf.gather(table, indices);
}

/** See halfSquaredNorm. */
export function halfSquaredNorm(x: Tensor): Scalar {
  return tf.div(tf.sum<Scalar>(tf.square(x)), 2);
}

export const reshape = (x: Tensor, shape: readonly number[]): Tensor => tf.reshape(x, [...shape]);

export const toFloat = (x: Tensor): Tensor => tf.cast(x, 'float32');

export const identity = <T extends Tensor>(x: T): T => tf.clone(x);

/** See uniform; by tfjs's own generator, which draws on the host. */
export const uniform = (shape: readonly number[], seed: Tensor1D): Tensor =>
  tf.randomUniform([...shape], 0, 1, 'float32', seed.dataSync<'int32'>().join());
