// Arithmetic on flat vectors [P]: one global L2 norm over all parameters.
import { halfSquaredNorm } from '../native/kernels.js';
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';

/** |x|: sqrt of the sum of squares, without an intermediate vector. */
export const norm = (x: Tensor1D): Scalar =>
  tf.sqrt(tf.mul<Scalar>(halfSquaredNorm(x), tf.scalar(2)));

/**
 * x . y, as a sum of products, which TensorFlow adds up in a tree. A matrix product needs no
 * intermediate vector, but adds one after the other where oneDNN does not compute it: of ten million
 * elements the sum is 1 % off.
 */
const dot = (x: Tensor1D, y: Tensor1D): Scalar => tf.sum<Scalar>(tf.mul(x, y));

/** Cosine of the angle between x and y, kept within +-1 of rounding; 0 where one of them is 0. */
export const cosine = (x: Tensor1D, y: Tensor1D): Scalar =>
  tf.clipByValue(tf.divNoNan<Scalar>(dot(x, y), tf.mul<Scalar>(norm(x), norm(y))), -1, 1);

/** The part of x that is orthogonal to y; x itself where y is 0. */
export const without = (x: Tensor1D, y: Tensor1D): Tensor1D =>
  tf.sub(x, scaled(y, tf.divNoNan<Scalar>(dot(x, y), dot(y, y))));

export const scaled = (x: Tensor1D, factor: number | Scalar): Tensor1D => tf.mul(x, factor);

/** x where `keep` is 1, and where it is 0 nothing, even of what is not finite. */
export const kept = (x: Tensor1D, keep: Scalar): Tensor1D => tf.divNoNan(x, keep);

/** x scaled down to length `largest` where it is longer (PyTorch's clip_grad_norm_). */
export const clipped = (x: Tensor1D, largest: number): Tensor1D =>
  scaled(x, tf.minimum<Scalar>(tf.scalar(1), tf.div(tf.scalar(largest), tf.add(norm(x), 1e-6))));
